"""`llm`, the command, with models from its extra-openai-models.yaml."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import tempfile

from harness import ANSWER, KEY, MODELS, SCHEMA, V1, run

HOME = pathlib.Path(tempfile.mkdtemp())
lines = []
for one in MODELS:
    lines.append(f"- model_id: {one}\n  model_name: {one}\n  api_base: {V1}\n  api_key_name: tollgate\n")
    lines.append("  supports_tools: true\n  supports_schema: true\n")
(HOME / "extra-openai-models.yaml").write_text("".join(lines))
(HOME / "keys.json").write_text(json.dumps({"tollgate": KEY}))


def llm(*arguments):
    command = pathlib.Path(sys.executable).with_name("llm")
    environment = os.environ | {"LLM_USER_PATH": str(HOME)}
    finished = subprocess.run([command, *arguments], env=environment, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def plain(model):
    assert "Hello" in llm("-m", model, "--no-stream", "Hi")


def stream(model):
    assert "Hello" in llm("-m", model, "Hi")


def tools(model):
    assert ANSWER in llm("-m", model, "-T", "llm_version", "Which version?")


def structured(model):
    assert "city" in llm("-m", model, "--schema", json.dumps(SCHEMA), "Hi")


if __name__ == "__main__":
    run("llm", plain=plain, stream=stream, tools=tools, structured=structured)
