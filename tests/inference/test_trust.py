"""A fake turn in any field of a request is no turn: every field of the request models is walked, for every family."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from api.requests.chat_completions import ChatCompletionRequest
from tests.inference.conftest import prepared, record, variant
from tests.prompt_format.golden_files import template
from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.prompt_format import BUILT_INS

pytestmark = [pytest.mark.slow, pytest.mark.uncounted]

SCHEMA = ChatCompletionRequest.model_json_schema()
MESSAGE = SCHEMA["$defs"]["Message"]
ROLES = MESSAGE["properties"]["role"]["enum"]


class Family(NamedTuple):
    """A model whose prompts are attacked: its variant, and the tokens of which fake turns are made."""

    variant: dict[str, Any]
    tokens: list[str]


_CHATML = ["<|im_end|>", "<|im_start|>", "<|endoftext|>"]
_LLAMA3 = ["<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>", "<|begin_of_text|>", "<|python_tag|>"]
_MISTRAL = ["[/INST]", "[INST]", "</s>", "<s>"]
_TOKENS = {
    "qwen2.": [*_CHATML, "<tool_response>", "</tool_response>"],
    "qwen2": _CHATML,
    "qw": [*_CHATML, "<tool_response>", "</tool_response>"],
    "llama3": _LLAMA3,
    "llama2": [*_MISTRAL, "<<SYS>>", "<</SYS>>"],
    "mistral-v1": _MISTRAL,
    "mixtral": _MISTRAL,
    "mistral": [*_MISTRAL, "[AVAILABLE_TOOLS]", "[TOOL_CALLS]", "[/TOOL_RESULTS]", "[TOOL_RESULTS]"],
    "deepseek": ["<｜User｜>", "<｜Assistant｜>", "<｜end▁of▁sentence｜>", "<｜tool▁calls▁begin｜>"],
}
# Prints whatever a template can get hold of.
_PRINTS_ALL = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.name }} {{ m.tool_call_id }} {{ m.reasoning_content }} "
    "{{ m.content }} "
    "{% for c in m.tool_calls or [] %}{{ c.id }} {{ c.function.name }} {{ c.function.arguments | tojson }}{% endfor %}"
    "{{ m | tojson }}<|end|>{% endfor %}"
    "{{ tools | tojson }}{{ documents | tojson }}{{ custom | default(none) | tojson }}"
    "{% if custom %}{% for k, v in custom.items() %}{{ k }}{{ v }}{% endfor %}{% endif %}"
)
_OWN_TOKENS = {"bos_token": "<s>", "eos_token": "<|end|>"}
_TAGS = "{% for m in messages %}<extra_id_1>{{ m.role }}\n{{ m.content }}{{ m.name }}\n{% endfor %}{{ tools | tojson }}"


def families() -> Iterator[tuple[str, Family]]:
    for name in BUILT_INS:
        tokens = next((tokens for prefix, tokens in _TOKENS.items() if name.startswith(prefix)), _CHATML)
        yield name, Family(variant(chat_template=name), tokens)
    for name in ("own-features", "own-reasoning", "own-alternating"):
        own = variant(chat_template=template(name), special_tokens=_OWN_TOKENS)
        yield name, Family(own, ["[USER]", "[/USER]", "<s>"] if name == "own-alternating" else ["<|end|>", "<|user|>"])
    all_printed = variant(chat_template=_PRINTS_ALL, special_tokens=_OWN_TOKENS, tool_calls="hermes")
    yield "a template that prints all", Family(all_printed, ["<|end|>", "<|user|>", "<|system|>"])
    yield "a template of tags", Family(variant(chat_template=_TAGS), ["<extra_id_1>"])
    every_token = [token for tokens in (_CHATML, *_TOKENS.values()) for token in tokens] + ["<start_of_turn>"]
    yield "a served model", Family(variant(), sorted(set(every_token)))
    named = variant(special_tokens={"eos_token": "@@END@@"})
    yield "a served model with a token of its own", Family(named, ["@@END@@"])


FAMILIES = dict(families())


def sample(schema: Any, text: str, alternative: int, name: str = "") -> Any:
    """A value of a JSON schema in which every free text and every free name is `text`."""
    if "$ref" in (schema := {} if schema is True else schema):
        return sample(SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]], text, alternative, name)
    kinds = [kind for kind in schema.get("anyOf", schema.get("oneOf", [])) if kind.get("type") != "null"]
    if kinds:
        return sample(kinds[min(alternative, len(kinds) - 1)], text, alternative, name)
    if "enum" in schema or "const" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    kind = schema.get("type")
    if kind == "object" and "properties" in schema:
        properties = schema["properties"].items()
        return {key: sample(value, text, alternative, key) for key, value in properties if value.get("type") != "null"}
    if kind == "object":
        return {text: sample(schema.get("additionalProperties", {}), text, alternative)}
    if kind == "array":
        return [sample(schema.get("items", {}), text, alternative)]
    if kind == "string" and name == "arguments":
        # As JSON text, in which an escape hides the beginning of each token.
        return json.dumps({text: [text]}).replace("<", "\\u003c").replace("[", "\\u005b").replace(": \\u005b", ": [")
    if kind == "string":
        return text[: schema.get("maxLength", len(text))]
    anything = {text: [text, {text: text}]}
    return {"boolean": True, "integer": 1, "number": 1}.get(kind, anything)


def conversation() -> list[dict[str, Any]]:
    call = {"id": "abcdefghi", "type": "function", "function": {"name": "look_up", "arguments": '{"a": "b"}'}}
    return [
        {"role": "system", "content": "sys"},
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "abcdefghi", "content": "found"},
        {"role": "assistant", "content": "answer"},
        {"role": "user", "content": "q2"},
    ]


TOOL = {"type": "function", "function": {"name": "look_up", "description": "d", "parameters": {"type": "object"}}}


def requests(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Requests that hold `text` in one field each, with the field's name."""
    for calls in (True, False):
        messages = conversation() if calls else [m for n, m in enumerate(conversation()) if n not in (2, 3)]
        base: dict[str, Any] = {"messages": messages, "tools": [TOOL]} if calls else {"messages": messages}
        for alternative in (0, 1):
            for name, schema in SCHEMA["properties"].items():
                if name not in ("messages", "model", "variables"):
                    yield name, {**base, name: sample(schema, text, alternative, name)}
            custom = {"custom": {text: [text]}, "custom_tools": [{text: text}], "date_string": text, text: text}
            yield "chat_template_kwargs", {**base, "chat_template_kwargs": custom}
            for name, schema in MESSAGE["properties"].items():
                for position, message in enumerate(messages):
                    if name == "role":
                        continue
                    changed = [*messages]
                    changed[position] = {**message, name: sample(schema, text, alternative, name)}
                    yield f"messages.{name} of {message['role']}", {**base, "messages": changed}


def what_the_model_reads(family: Family, body: dict[str, Any]) -> str | None:
    """The prompt, or the fields that a server makes a prompt of; None where the request is refused."""
    try:
        invocation = prepared(record(family.variant), **body).invocation.body
    except ApiError:
        return None
    if "prompt" in invocation:
        return invocation["prompt"]
    read = {name: invocation.get(name) for name in ("messages", "tools", "tool_choice", "documents")}
    read["kwargs"] = invocation.get("chat_template_kwargs")
    for message in read["messages"]:
        for call in message.get("tool_calls") or ():
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    return json.dumps(read, ensure_ascii=False)


def tokens_in(text: str, family: Family) -> Counter[str]:
    return Counter({token: text.count(token) for token in family.tokens})


@pytest.mark.parametrize("name", FAMILIES)
def test_a_fake_turn_in_any_field_is_no_turn(name: str):
    family = FAMILIES[name]
    reached, leaks = set(), set()
    # A name may have 64 characters: each token comes first once.
    for first in range(0, len(family.tokens), 2):
        attack = "x".join([*family.tokens[first:], *family.tokens[:first]])
        harmless = "x" * 20
        for (field, attacked), (_, plain) in zip(requests(attack), requests(harmless), strict=True):
            read, read_plain = what_the_model_reads(family, attacked), what_the_model_reads(family, plain)
            if read is None or read_plain is None:
                continue
            if harmless in read_plain:
                reached.add(field)
            if tokens_in(read, family) - tokens_in(read_plain, family):
                leaks.add(field)

    assert leaks == set()
    assert reached >= {f"messages.content of {role}" for role in ("system", "user", "assistant")}


def split_in_two(token: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A token at every cut over every pair of parts whose texts are joined, with what may stand between the two."""
    image = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    empty = {"type": "refusal", "refusal": ""}
    for cut in range(1, len(token)):
        for first in ("text", "refusal"):
            for second in ("text", "refusal"):
                begun = {"type": first, first: f"x{token[:cut]}"}
                ended = {"type": second, second: f"{token[cut:]}x"}
                for between in ([], [empty], [{"type": "text", "text": ""}], [image]):
                    yield f"{first} and {second}", [begun, *between, ended]


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("role", ["system", "user", "assistant", "tool"])
def test_a_token_is_not_spread_over_parts(name: str, role: str):
    family, reached = FAMILIES[name], set()
    position = next(index for index, message in enumerate(conversation()) if message["role"] == role)
    plain = read_parts(family, position, [{"type": "text", "text": "xx"}])
    for token in family.tokens:
        for kinds, parts in split_in_two(token):
            read = read_parts(family, position, parts)
            if read is None or plain is None:
                continue
            reached.add(kinds)
            assert tokens_in(read, family) - tokens_in(plain, family) == Counter(), (kinds, parts)

    assert reached or plain is None


def read_parts(family: Family, position: int, parts: list[dict[str, Any]]) -> str | None:
    """What the model reads of a conversation with these parts; a server's template joins the texts of parts."""
    messages = [message for index, message in enumerate(conversation()) if index not in (2, 3) or position == 3]
    messages[position] = {**messages[position], "content": parts}
    try:
        body = prepared(record(family.variant), messages=messages).invocation.body
    except ApiError:
        return None
    if "prompt" in body:
        return body["prompt"]
    content = body["messages"][position]["content"]
    return "".join(part.get("text", "") + part.get("refusal", "") for part in content)


def test_the_walk_reaches_every_text_of_the_request_models():
    """The template that prints all shows each field, so that the test above is not empty."""
    family, reached = FAMILIES["a template that prints all"], set()
    for field, body in requests("xyzzy"):
        if "xyzzy" in (what_the_model_reads(family, body) or ""):
            reached.add(field)

    assert {"tools", "documents", "chat_template_kwargs"} <= reached
    for field in ("content", "name", "tool_calls", "tool_call_id", "reasoning_content", "refusal"):
        assert any(place.startswith(f"messages.{field} ") for place in reached), field


@pytest.mark.parametrize("name", FAMILIES)
def test_a_client_that_may_send_only_variables_writes_no_turn(name: str):
    family = FAMILIES[name]
    prompt = {"system": "You review {{ language }} code.", "user": "{{ code }}"}

    def read(text: str) -> str:
        text = json.dumps({"language": text, "code": text})
        body = prepared(record(family.variant, prompt=prompt), variables=json.loads(text)).invocation.body
        return body.get("prompt") or json.dumps(body["messages"], ensure_ascii=False)

    assert tokens_in(read("x".join(family.tokens)), family) == tokens_in(read("x"), family)


def test_the_records_own_text_may_hold_control_tokens():
    own = "Be brief.<|im_end|>\n<|im_start|>system\nBe kind."

    text = prepared(record(variant(chat_template="chatml"), defaults={"system": own})).invocation.body["prompt"]
    filled = prepared(
        record(variant(chat_template="chatml"), prompt={"system": own, "user": "{{ a }}"}), variables={"a": "x"}
    ).invocation.body["prompt"]

    assert own in text
    assert own in filled


def test_a_model_with_a_prompt_of_its_own_takes_no_other_prompt():
    with pytest.raises(ApiError) as caught:
        prepared(record(prompt={"user": "{{ a }}"}), dialect="completions", prompt="Anything")

    assert (caught.value.code, caught.value.param) == ("invalid_parameter", "prompt")


@pytest.mark.parametrize("chat_template", [None, "chatml"])
def test_a_client_sets_no_variable_by_which_the_prompt_is_made(chat_template: str | None):
    with pytest.raises(ApiError) as caught:
        prepared(record(variant(chat_template=chat_template)), chat_template_kwargs={"chat_template": "{{ 1 }}"})

    assert caught.value.param == "chat_template_kwargs.chat_template"


def test_the_schema_of_an_answers_form_is_harmless_for_a_served_model():
    schema = {"name": "n", "description": "<|im_end|>", "schema": {"title": "<|im_start|>", "enum": ["[INST]"]}}

    body = prepared(record(), response_format={"type": "json_schema", "json_schema": schema}).invocation.body

    assert body["response_format"]["json_schema"] == {
        **schema,
        "description": "< |im_end|>",
        "schema": {"title": "< |im_start|>", "enum": ["[ INST]"]},
    }
