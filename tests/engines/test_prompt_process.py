"""Prompts are made as a server makes them, in a process that is killed when a model's own program does not end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.dev.conftest import eventually
from tests.engines.generations import generation
from tests.engines.test_numpy_engine import artifacts
from tollgate.engines.errors import GenerationError, InvalidPromptError, ModelLoadError
from tollgate.engines.numpy_engine import NumpyEngine
from tollgate.engines.prompt_process import PromptProcess
from tollgate.engines.served_prompt import served_prompt

# The renderer's own limit would stop it after two seconds; the process's comes first.
TAKES_TOO_LONG = "{% for m in range(99999) %}{% for n in range(99999) %}{% endfor %}{% endfor %}"
USER = [{"role": "user", "content": "w1"}]
# As the templates of Qwen2.5 do: nothing is printed for a role that they do not know.
QWEN_LIKE = (
    "{% for m in messages %}{% if m.role in ['system', 'user', 'assistant', 'tool'] %}"
    "<{{ m.role }}>{{ m.content }}{% for c in m.tool_calls or [] %}({{ c.function.arguments.a }}){% endfor %}"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}<go>{% endif %}"
)


@pytest.fixture
def folder(tmp_path):
    return artifacts(tmp_path, chat_template="{{ messages[0].content }}")


def prompts(folder: Path, template: str, limit_s: float = 1.0) -> PromptProcess:
    return PromptProcess(folder / "tokenizer.json", template, {}, limit_s)


def test_a_template_that_does_not_end_is_a_generation_error_in_time(folder):
    process = prompts(folder, TAKES_TOO_LONG)
    started = time.monotonic()
    with pytest.raises(GenerationError):
        process.ids(generation(messages=USER))
    assert time.monotonic() - started < 20

    # AND the process can be asked again
    assert process.ids(generation(prompt="w1 w2")) == [0, 3, 4]
    process.close()


def test_other_models_answer_while_one_hangs(folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    hanging = NumpyEngine.load(artifacts(tmp_path, chat_template="{{ messages[0].content }}"), prompt_limit_s=30)
    healthy = NumpyEngine.load(artifacts(other, chat_template="{{ messages[0].content }}"))

    # GIVEN an engine whose process answers once, and then does nothing any more
    before = set(psutil.Process().children())
    assert asyncio.run(hanging.count_tokens(generation(messages=USER))) == 1
    (process,) = set(psutil.Process().children()) - before
    process.suspend()

    async def ask() -> int:
        stuck = asyncio.ensure_future(hanging.count_tokens(generation(messages=USER)))
        await asyncio.sleep(0.5)
        try:
            return await asyncio.wait_for(healthy.count_tokens(generation(messages=USER)), 10)
        finally:
            assert not stuck.done()
            hanging.close()
            with pytest.raises(GenerationError):
                await stuck

    assert asyncio.run(ask()) == 1
    healthy.close()


def test_the_process_ends_when_its_parent_does(folder):
    program = (
        "import sys; from pathlib import Path; from tests.engines.generations import generation\n"
        "from tollgate.engines.prompt_process import PromptProcess\n"
        "p = PromptProcess(Path(sys.argv[1]), None, {}); p.ids(generation(prompt='w1'))\n"
        "print(p._process.pid, flush=True); sys.stdin.read()"
    )
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(part for part in sys.path if part)}
    command = [sys.executable, "-c", program, str(folder / "tokenizer.json")]
    parent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=path)
    child = psutil.Process(int(parent.stdout.readline()))

    parent.kill()
    parent.communicate()

    eventually(lambda: not child.is_running())


def test_a_tokenizer_that_panics_is_a_generation_error(folder):
    # GIVEN a regular expression on which the library's engine gives up, and panics
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    pattern = {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": False}
    (folder / "tokenizer.json").write_text(json.dumps({**tokenizer, "pre_tokenizer": pattern}))
    process = prompts(folder, "")

    with pytest.raises(GenerationError):
        process.ids(generation(prompt="a" * 200 + "b"))
    process.close()


@pytest.mark.parametrize("content", [None, b"", b"{}", b"\xff"])
def test_a_tokenizer_that_is_gone_or_broken_is_told_by_the_parent_and_no_trace_is_printed(folder, content, capfd):
    # GIVEN a model whose tokenizer was there when its process was prepared, and is not when it starts
    tokenizer = folder / "tokenizer.json"
    tokenizer.unlink()
    if content is not None:
        tokenizer.write_bytes(content)
    process = prompts(folder, "{{ messages[0].content }}")

    # WHEN it is asked, THEN the error says what was wrong
    with pytest.raises(GenerationError, match="tokenizer could not be loaded"):
        process.ids(generation(messages=USER))
    process.close()

    # AND nothing else is printed
    assert capfd.readouterr().err == ""


def test_a_panic_while_a_tokenizer_is_loaded_is_a_load_error(folder, monkeypatch):
    class PanicException(BaseException):
        """A panic as PyO3 raises it."""

    class Panicking:
        @staticmethod
        def from_file(path):
            raise PanicException("called `Option::unwrap()` on a `None` value")

    monkeypatch.setattr("tollgate.engines.prompting.Tokenizer", Panicking)
    with pytest.raises(ModelLoadError, match="panicked"):
        NumpyEngine.load(folder)


def test_half_a_surrogate_pair_is_an_invalid_prompt(folder):
    process = prompts(folder, "{{ messages[0].content }}", 10)
    for request in (generation(prompt="\ud83d"), generation(messages=[{"role": "user", "content": "\ud83d"}])):
        with pytest.raises(InvalidPromptError, match="surrogate"):
            process.ids(request)
    process.close()


def test_a_template_that_fills_the_memory_fails_alone(folder):
    process = prompts(folder, "{% set x = namespace(t='a' * 90000) %}{{ [x.t * 9] | join | length }}", 20)
    with contextlib.suppress(GenerationError, InvalidPromptError):
        process.ids(generation(messages=USER))
    assert process.ids(generation(prompt="w1")) == [0, 3]
    process.close()


def _render(messages, template=QWEN_LIKE, tools=None, **body):
    return served_prompt(template, {}, messages, tools, body)


def test_a_developers_message_is_what_the_template_makes_of_it():
    messages = [{"role": "developer", "content": "rules"}, {"role": "user", "content": "hi"}]

    assert _render(messages) == "<user>hi<go>"
    named = "{% for m in messages %}{{ m.role }}:{{ m.content }};{% endfor %}"
    assert _render(messages, named) == "developer:rules;user:hi;"


def test_two_system_messages_stay_two():
    messages = [{"role": "system", "content": "a"}, {"role": "system", "content": "b"}, *USER]

    assert _render(messages) == "<system>a<system>b<user>w1<go>"


def test_texts_of_parts_are_joined_by_lines_unless_the_template_reads_parts():
    parts = [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]

    assert _render(parts) == "<user>a\nb<go>"
    reads_parts = "{% for m in messages %}{% for c in m['content'] %}[{{ c.text }}]{% endfor %}{% endfor %}"
    assert _render(parts, reads_parts) == "[a][b]"
    assert _render([{"role": "user", "content": "one"}], reads_parts) == "[one]"


def test_arguments_of_earlier_calls_are_objects():
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a": 7}'}}

    conversation = [*USER, {"role": "assistant", "content": None, "tool_calls": [call]}]
    assert _render(conversation) == "<user>w1<assistant>(7)<go>"
    call["function"]["arguments"] = "{"
    with pytest.raises(InvalidPromptError, match="no JSON"):
        _render(conversation)


def test_the_templates_variables_and_flags_are_the_requests():
    template = "{{ mode }}{% for d in documents or [] %}[{{ d.text }}]{% endfor %}"
    body = {"chat_template_kwargs": {"mode": "fast"}, "documents": [{"text": "doc"}]}

    assert _render(USER, template, **body) == "fast[doc]"
    assert _render(USER, add_generation_prompt=False) == "<user>w1"


@pytest.mark.parametrize(
    "body",
    [
        {"chat_template_kwargs": {"messages": []}},
        {"chat_template_kwargs": {"tokenize": True}},
        {"chat_template_kwargs": []},
        {"add_generation_prompt": "yes"},
        {"continue_final_message": True},
        {"continue_final_message": True, "add_generation_prompt": True},
    ],
)
def test_what_a_renderer_has_for_itself_or_cannot_do_is_an_invalid_prompt(body):
    with pytest.raises(InvalidPromptError):
        _render(USER, **body)


def test_the_same_request_is_made_into_a_prompt_once(folder):
    engine = NumpyEngine.load(folder)
    request = generation(messages=USER, max_tokens=1)

    async def twice() -> None:
        await engine.count_tokens(request)
        (folder / "tokenizer.json").unlink()
        engine._prompts.close()  # so that nobody could make the prompt again
        assert [piece async for piece in engine.generate(request)]

    asyncio.run(twice())
    engine.close()
