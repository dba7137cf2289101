from __future__ import annotations

import json
import re
import time
from itertools import count, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollgate_layer.prompt_format import CompletionParser, Content, Piece, Reasoning, ToolArguments, ToolCall

TOOLS = [
    {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}},
    {"type": "function", "function": {"name": "ping"}},
]


def parse(*texts: str, **options) -> list[Piece]:
    """All pieces, neighbours of one kind joined, with the ids id0, id1 …"""
    numbers = count()
    parser = CompletionParser(new_id=lambda: f"id{next(numbers)}", **{"tool_calls": None, **options})
    pieces: list[Piece] = []
    for piece in [piece for text in texts for piece in parser.feed(text)] + parser.finish():
        last = pieces[-1] if pieces else None
        if isinstance(piece, Content | Reasoning) and type(last) is type(piece):
            pieces[-1] = type(piece)(last.text + piece.text)
        else:
            pieces.append(piece)
    return pieces


def call(index: int, name: str, arguments: str) -> list[Piece]:
    return [ToolCall(index, f"id{index}", name), ToolArguments(index, arguments)]


WEATHER = call(0, "get_weather", '{"city": "Paris"}')
CALLS = {
    "hermes": (
        ("hermes", '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n</tool_call>'),
        WEATHER,
    ),
    "hermes behind text": (
        ("hermes", 'Let me see.\n\n<tool_call>{"name": "get_weather", "arguments": {"city": "Paris"}}</tool_call>\n'),
        [Content("Let me see."), *WEATHER],
    ),
    "tags": (
        (
            "qwen3_coder",
            "<tool_call>\n<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n</function>\n</tool_call>",
        ),
        WEATHER,
    ),
    "tags without the mark, behind text, in parallel": (
        (
            "qwen3_coder",
            "Let me see.\n<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n</function>\n"
            "<function=ping>\n</function>\n</tool_call>",
        ),
        [Content("Let me see."), *WEATHER, *call(1, "ping", "{}")],
    ),
    "tags with tags in a value": (
        (
            "qwen3_coder",
            "<tool_call><function=get_weather><parameter=city>\na</parameter>b</function>\n"
            "</parameter></function></tool_call>",
        ),
        call(0, "get_weather", '{"city": "a</parameter>b</function>"}'),
    ),
    "a value without its closing tag": (
        ("qwen3_coder", "<tool_call>\n<function=get_weather>\n<parameter=city>\nParis\n</function>\n</tool_call>"),
        WEATHER,
    ),
    "hermes in parallel": (
        (
            "hermes",
            '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n</tool_call>\n'
            '<tool_call>\n{"arguments": {}, "name": "ping"}\n</tool_call>',
        ),
        [*WEATHER, *call(1, "ping", "{}")],
    ),
    "hermes without an end mark": (
        ("hermes", '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n'),
        WEATHER,
    ),
    "hermes with its own mark in a text": (
        ("hermes", '<tool_call>{"name": "get_weather", "arguments": {"city": "}</tool_call>\\""}}</tool_call>'),
        call(0, "get_weather", '{"city": "}</tool_call>\\""}'),
    ),
    "hermes with text behind": (
        ("hermes", '<tool_call>{"name": "ping"}</tool_call>\nDone.'),
        [*call(0, "ping", "{}"), Content("\nDone.")],
    ),
    "hermes with arguments as text": (
        ("hermes", '<tool_call>{"name": "get_weather", "arguments": "{\\"city\\": \\"Paris\\"}"}</tool_call>'),
        WEATHER,
    ),
    "mistral": (("mistral", '[TOOL_CALLS] [{"name": "get_weather", "arguments": {"city": "Paris"}}]'), WEATHER),
    "mistral in parallel": (
        (
            "mistral",
            '[TOOL_CALLS][{"name": "get_weather", "arguments": {"city": "Paris"}}, {"name": "ping", "arguments": {}}]',
        ),
        [*WEATHER, *call(1, "ping", "{}")],
    ),
    "mistral without its mark": (("mistral", ' [{"name": "get_weather", "arguments": {"city": "Paris"}}]'), WEATHER),
    "mistral with names in front": (
        ("mistral", '[TOOL_CALLS]get_weather[ARGS]{"city": "Paris"}[TOOL_CALLS]ping{}'),
        [*WEATHER, *call(1, "ping", "{}")],
    ),
    "llama": (("llama3_json", '{"name": "get_weather", "parameters": {"city": "Paris"}}'), WEATHER),
    "llama with its mark": (
        ("llama3_json", '<|python_tag|>{"type": "function", "name": "get_weather", "parameters": {"city": "Paris"}}'),
        WEATHER,
    ),
    "llama in parallel": (
        (
            "llama3_json",
            '{"name": "get_weather", "parameters": {"city": "Paris"}}; {"name": "ping", "parameters": {}}',
        ),
        [*WEATHER, *call(1, "ping", "{}")],
    ),
    "llama, nested": (
        (
            "llama3_json",
            '{"type": "function", "function": {"name": "get_weather", "parameters": {"city": "Paris"}}}',
        ),
        WEATHER,
    ),
}
TEXTS = {
    "a mark in prose": ("hermes", "Write <tool_call> and </tool_call> around it."),
    "a call of no tool": ("hermes", '<tool_call>{"name": "rm", "arguments": {}}</tool_call>'),
    "broken JSON": ("hermes", '<tool_call>{"name": "ping", "arguments": {x: 1}}</tool_call>'),
    "a truncated call": ("hermes", '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Par'),
    "arguments that are no object": ("hermes", '<tool_call>{"name": "ping", "arguments": [1]}</tool_call>'),
    "not a number": ("hermes", '<tool_call>{"name": "ping", "arguments": {"x": NaN}}</tool_call>'),
    "too much behind": ("hermes", '<tool_call>{"name": "ping", "arguments": {}}}</tool_call>'),
    "half a mark": ("hermes", "a <tool_"),
    "a mark in code": ("mistral", "The token [TOOL_CALLS] marks a list [1, 2]."),
    "a list": ("mistral", "[1, 2] is a list."),
    "a list of objects": ("mistral", '[{"name": "Bob", "arguments": {}}]'),
    "an answer in JSON": ("llama3_json", '{"issues": [{"line": 1}]}'),
    "an object with a name": ("llama3_json", '{"name": "Bob", "age": 3}'),
    "a call in prose": ("llama3_json", 'It is {"name": "ping", "parameters": {}}.'),
    "built-in tools": ("llama3_json", '<|python_tag|>brave_search.call(query="x")'),
    "white space": ("llama3_json", " \n"),
    "semicolons": ("llama3_json", " ;; "),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls_come_out_of_the_text(name: str):
    (syntax, text), expected = CALLS[name]

    assert parse(text, tool_calls=syntax, tools=TOOLS) == expected


@pytest.mark.parametrize("name", TEXTS)
def test_what_merely_looks_like_a_call_stays_text(name: str):
    syntax, text = TEXTS[name]

    assert parse(text, tool_calls=syntax, tools=TOOLS) == [Content(text)]


SAMPLES = [sample for sample, _ in CALLS.values()] + list(TEXTS.values())
FRAGMENTS = [
    *(
        "<tool_call>",
        "</tool_call>",
        "[TOOL_CALLS]",
        "[ARGS]",
        "<|python_tag|>",
        "<think>",
        "</think>",
        "<function=ping>",
        "<function=get_weather>",
        "<parameter=city>",
        "</parameter>",
        "</function>",
        "{",
        "}",
        "[",
        "]",
    ),
    *(
        '{"name": "ping", "arguments": {}}',
        '{"name": "get_weather", "parameters": {"a": "\\""}}',
        '"',
        "\\",
        "\n",
        ";",
        "hi",
    ),
]


@given(
    text=st.lists(st.sampled_from([*FRAGMENTS, *(text for _, text in SAMPLES)]) | st.text(max_size=5), max_size=8).map(
        "".join
    ),
    cuts=st.lists(st.integers(0, 300), max_size=10),
    syntax=st.sampled_from([None, "hermes", "mistral", "llama3_json", "qwen3_coder"]),
    reasoning=st.booleans(),
    inside=st.booleans(),
)
def test_any_split_of_a_text_gives_the_same_pieces(
    text: str, cuts: list[int], syntax: str | None, reasoning: bool, inside: bool
):
    options = {"tool_calls": syntax, "tools": TOOLS, "reasoning": reasoning, "starts_in_reasoning": inside}
    places = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]

    split = parse(*(text[start:end] for start, end in pairwise(places)), **options)

    assert split == parse(text, **options) == parse(*text, **options)
    for piece in split:
        if isinstance(piece, ToolArguments):
            assert isinstance(json.loads(piece.text), dict)


@given(text=st.text().filter(lambda text: not any(mark in text for mark in ("<think>", "<tool_call>"))))
def test_text_without_marks_comes_out_unchanged(text: str):
    pieces = parse(text, tool_calls="hermes", tools=TOOLS, reasoning=True)

    assert pieces == ([Content(text)] if text else [])


def test_content_does_not_wait_for_the_end():
    parser = CompletionParser(tool_calls="hermes", tools=TOOLS, reasoning=True)

    assert parser.feed("<think>a") == [Reasoning("a")]
    assert parser.feed("b</th") == [Reasoning("b")]
    assert parser.feed("ink>") == []
    assert parser.feed("c <tool") == [Content("c")]
    assert parser.feed("box>") == [Content(" <toolbox>")]


def test_a_call_leaves_as_soon_as_it_is_complete():
    parser = CompletionParser(tool_calls="hermes", tools=TOOLS)

    assert parser.feed('<tool_call>{"name": "ping", "arguments": {}}') == []
    assert [type(piece) for piece in parser.feed("</tool_call>")] == [ToolCall, ToolArguments]


@pytest.mark.parametrize("text, streams", [('{"issues": ', True), ('{"name": "p', False), ("[{", False), ("[1", True)])
def test_an_answer_in_json_is_held_back_only_while_it_may_be_a_call(text: str, streams: bool):
    parser = CompletionParser(tool_calls="mistral" if text[0] == "[" else "llama3_json", tools=TOOLS)

    assert bool(parser.feed(text)) is streams


@pytest.mark.parametrize(
    "text, inside, expected",
    [
        ("<think>\na\n</think>\n\nb", False, [Reasoning("\na\n"), Content("\n\nb")]),
        ("a</think>b", True, [Reasoning("a"), Content("b")]),
        ("<think>a</think>b", True, [Reasoning("a"), Content("b")]),
        ("<think>a", False, [Reasoning("a")]),
        ("a", True, [Reasoning("a")]),
        ("a</think>b", False, [Reasoning("a"), Content("b")]),
        ("</think>b", False, [Content("b")]),
        ("a <think>b</think>", False, [Content("a <think>b</think>")]),
        ("<think>a</think>b</think>c<think>", False, [Reasoning("a"), Content("b</think>c<think>")]),
        ("<think></think>a", False, [Content("a")]),
        ("<thinking>a", False, [Content("<thinking>a")]),
    ],
)
def test_the_leading_think_block_is_reasoning(text: str, inside: bool, expected: list[Piece]):
    assert parse(text, reasoning=True, starts_in_reasoning=inside) == expected


def test_reasoning_stays_in_the_text_where_it_is_not_asked_for():
    assert parse("<think>a</think>b") == [Content("<think>a</think>b")]


def test_calls_in_reasoning_are_not_made():
    text = '<think><tool_call>{"name": "ping"}</tool_call></think><tool_call>{"name": "ping"}</tool_call>'

    pieces = parse(text, tool_calls="hermes", tools=TOOLS, reasoning=True)

    assert pieces == [Reasoning('<tool_call>{"name": "ping"}</tool_call>'), *call(0, "ping", "{}")]


def test_without_tools_every_name_counts():
    assert parse('<tool_call>{"name": "x", "arguments": {}}</tool_call>', tool_calls="hermes") == call(0, "x", "{}")


@pytest.mark.parametrize(
    "syntax, pattern",
    [("hermes", r"call_[0-9a-f]{24}"), ("llama3_json", r"call_[0-9a-f]{24}"), ("mistral", r"[0-9a-zA-Z]{9}")],
)
def test_ids_are_of_the_form_that_the_family_accepts_and_differ(syntax: str, pattern: str):
    text = {"hermes": '<tool_call>{"name": "ping", "arguments": {}}</tool_call>', "mistral": "[TOOL_CALLS]ping{}"}
    text["llama3_json"] = '{"name": "ping", "parameters": {}};'

    pieces = CompletionParser(tool_calls=syntax, tools=TOOLS).feed(text[syntax] * 2)
    ids = [piece.id for piece in pieces if isinstance(piece, ToolCall)]

    assert len(set(ids)) == 2
    assert all(re.fullmatch(pattern, call_id) for call_id in ids)


def test_an_unknown_syntax_is_refused():
    with pytest.raises(ValueError, match="'xml' is no tool-call syntax; there are hermes, mistral, llama3_json"):
        CompletionParser(tool_calls="xml")


def test_long_arguments_are_read_in_linear_time():
    parser = CompletionParser(tool_calls="hermes", tools=TOOLS)
    text = json.dumps({"name": "ping", "arguments": {"code": 'a"b\\' * 20_000}})

    pieces = [
        piece
        for start in range(0, len(text), 8)
        for piece in parser.feed(("<tool_call>" if not start else "") + text[start : start + 8])
    ]

    assert [*pieces, *parser.finish()][-1] == ToolArguments(0, json.dumps({"code": 'a"b\\' * 20_000}))


def test_a_stream_without_an_opening_tag_is_not_held_back_for_ever():
    parser = CompletionParser(tool_calls=None, reasoning=True)

    assert parser.feed("a" * 1000) == []
    assert parser.feed("a" * 1000) == [Content("a" * 2000)]
    assert parser.feed("b</think>") == [Content("b</think>")]


def test_a_whole_answer_splits_at_its_only_closing_tag_however_long_it_is():
    assert parse("a" * 9000 + "</think>b", reasoning=True) == [Reasoning("a" * 9000), Content("b")]


SCHEMA = {
    "days": {"type": "integer"},
    "share": {"type": "number"},
    "on": {"type": "boolean"},
    "cities": {"type": "array"},
    "note": {"type": "string"},
    "maybe": {"anyOf": [{"type": "null"}, {"type": "string"}]},
    "either": {"type": ["integer", "null"]},
    "any": True,
}


@pytest.mark.parametrize(
    "name, text, value",
    [
        ("days", "3", 3),
        ("days", "3.0", 3),
        ("days", "three", "three"),
        ("share", "0.5", 0.5),
        ("share", "1e999", "1e999"),
        ("on", "True", True),
        ("on", "false", False),
        ("cities", '["a"]', ["a"]),
        ("cities", "[" * 9999, "[" * 9999),
        ("note", "3", "3"),
        ("note", "null", "null"),
        ("maybe", "None", None),
        ("either", "null", None),
        ("any", "3", "3"),
        ("unknown", "3", "3"),
    ],
)
def test_values_in_tags_have_the_types_of_the_tools_schema(name: str, text: str, value: object):
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": SCHEMA}}}
    answer = f"<tool_call><function=f><parameter={name}>\n{text}\n</parameter></function></tool_call>"

    _, arguments = parse(answer, tool_calls="qwen3_coder", tools=[tool])

    assert json.loads(arguments.text) == {name: value}


def test_arguments_can_always_be_written():
    answer = '<tool_call>{"name": "ping", "arguments": {"a": "\\ud83d"}}</tool_call>'
    infinite = '<tool_call>{"name": "ping", "arguments": {"a": 1e999}}</tool_call>'

    assert parse(answer, tool_calls="hermes", tools=TOOLS) == call(0, "ping", '{"a": "\ufffd"}')
    assert parse(infinite, tool_calls="hermes", tools=TOOLS) == [Content(infinite)]


@pytest.mark.parametrize("syntax", ["hermes", "mistral", "llama3_json", "qwen3_coder"])
@pytest.mark.parametrize(
    "text",
    [
        "<tool_call>{", "<tool_call>x", '<tool_call>{"name":', "[TOOL_CALLS]x", "<|python_tag|>[", " ", "{", "[", '"',
        ";",
        "<function=f>", "<tool_call><function=f><parameter=a>", "</parameter>", "<", "<think>",
        '{"name": "ping"};',
    ],
)  # fmt: skip
def test_an_answer_is_read_in_linear_time(syntax: str, text: str):
    def seconds(times: int) -> float:
        parser = CompletionParser(tool_calls=syntax, reasoning=True)
        start = time.process_time()
        parser.feed(text * times)
        parser.finish()
        return time.process_time() - start

    # Four times the text may take four times as long, and half a second more where the machine is busy.
    assert seconds(20_000) < 8 * seconds(5_000) + 0.5
