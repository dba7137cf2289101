"""LangChain's own standard tests of chat models: all that apply to a text model with tools."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import KEY, STREAM, V1, run

TESTS = """
import os
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

PARAMS = {"model": os.environ["MODEL"], "base_url": os.environ["BASE"], "api_key": os.environ["KEY"], "max_retries": 0,
          "stream_usage": True}


class _Ours:
    @property
    def chat_model_class(self):
        return ChatOpenAI

    @property
    def chat_model_params(self):
        return PARAMS


class TestUnit(_Ours, ChatModelUnitTests):
    pass


class TestIntegration(_Ours, ChatModelIntegrationTests):
    pass
"""
SETTINGS = """
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = session
asyncio_default_test_loop_scope = session
"""


def standard(model):
    for base in (V1, STREAM):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "test_standard.py").write_text(TESTS)
            (Path(folder) / "pytest.ini").write_text(SETTINGS)
            environment = os.environ | {"MODEL": model, "BASE": base, "KEY": KEY}
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder]
            # It compares with a snapshot that stands in LangChain's own repository.
            command += ["-k", "not test_serdes"]
            finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        sys.stderr.write(finished.stdout)
        assert finished.returncode == 0, finished.stdout[-2000:]
        assert re.search(r"\d+ passed", finished.stdout)


if __name__ == "__main__":
    run("langchain-tests", standard=standard)
