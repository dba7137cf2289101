"""`tollgate record` refuses what would fail for every client, with every reason, and warns of what may not be meant."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from tests.inference.conftest import MODEL_ARN, record, variant
from tests.records.test_blame import CHATML
from tollgate.cli import main
from tollgate_layer.prompt_format import BUILT_INS
from tollgate_release.records import RecordError, inspect_record

IMPORTED = "arn:aws:bedrock:us-east-1:123456789012:imported-model/"


def problems(text: str) -> list[str]:
    with pytest.raises(RecordError) as caught:
        inspect_record(text)
    return caught.value.problems


def warnings(text: str) -> list[str]:
    return inspect_record(text).warnings


def test_a_good_record_has_nothing_said_of_it():
    assert warnings(record(variant(chat_template=CHATML), prompt={"user": "Review {{ code }}"})) == []


@pytest.mark.parametrize("name", sorted(BUILT_INS))
def test_every_built_in_shows_every_role(name):
    assert warnings(record(variant(chat_template=name))) == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"chat_template": "qwen-2.5"},
            "variants[0].chat_template: 'qwen-2.5' is no built-in chat template; there are",
        ),
        ({"chat_template": ""}, "variants[0].chat_template: '' is no built-in chat template"),
        ({"chat_template": "{% for m in messages %}{{ m }"}, "The chat template does not compile: line 1: "),
        ({"chat_template": "{{ messages }}" + " " * 300_000}, "has 300014 characters, more than 98304"),
        ({"chat_template": "{{ messages[0].content + 1 }}"}, "The chat template refuses the conversation: can only"),
        ({"chat_template": "{{ 'hello' }}"}, "variants[0].chat_template: It leaves out what the user says."),
        ({"chat_template": "{{ raise_exception('never') }}"}, "refuses the conversation: never."),
        (
            {"chat_template": CHATML.replace("{{ m.content }}", "{{ m.content if m.role != 'assistant' }}")},
            "A conversation with an earlier answer loses the earlier answer: the model would never read it.",
        ),
        (
            {
                "chat_template": CHATML.replace(
                    "{{ m.content }}", "{{ m.content + (1 if m.role == 'assistant' else '') }}"
                )
            },
            "A conversation with an earlier answer cannot be rendered: The chat template refuses",
        ),
        (
            {"chat_template": "{% if tools %}{{ foo() }}{% endif %}" + CHATML, "tool_calls": "hermes"},
            "A conversation with tools cannot be rendered: The chat template",
        ),
        ({"template_variables": {"messages": []}}, "variants[0].template_variables.messages: The request itself"),
        ({"special_tokens": {"tools": "x"}}, "variants[0].special_tokens.tools: The request itself has this name"),
        ({"weight": 0}, "variants: All weights are 0, so no variant gets a request."),
        ({"colour": "red"}, "variants[0].colour: There is no such field."),
        ({"model_id": "m"}, "variants[0].model_id: 'm' is neither an imported model's ARN"),
        ({"model_id": IMPORTED + "abc"}, "is neither an imported model's ARN"),
        ({"model_id": IMPORTED + "ABCDEFGHIJKL"}, "is neither an imported model's ARN"),
        ({"model_id": MODEL_ARN.replace("bedrock", "bedrok")}, "is neither an imported model's ARN"),
        ({"model_id": MODEL_ARN.replace("123456789012", "12345")}, "is neither an imported model's ARN"),
        ({"model_id": MODEL_ARN.replace("imported-model", "import-model")}, "is neither an imported model's ARN"),
        ({"model_id": f" {MODEL_ARN}"}, "is neither an imported model's ARN"),
        ({"model_id": f"{MODEL_ARN}\n"}, "is neither an imported model's ARN"),
        ({"model_id": "arn:aws:bedrock:us-east-1:123456789012:model-import-job/abcdefghijkl"}, "is neither"),
    ],
)
def test_what_only_the_author_can_mend_is_refused_in_a_sentence_with_its_place(changes, sentence):
    (only,) = problems(record(variant(**changes)))

    assert sentence in only
    assert only.endswith((".", "…"))


def test_a_family_with_tools_must_show_their_results():
    # GIVEN a template that offers tools and shows calls, but no results
    tools = "{% if tools %}{{ tools | tojson }}{% endif %}"
    calls = "{% for c in m.tool_calls or [] %}{{ c | tojson }}{% endfor %}"
    template = tools + CHATML.replace("{{ m.content }}", "{{ m.content if m.role != 'tool' }}" + calls)

    # WHEN the record says that there are tools THEN it is told; that it has none is fine, too
    try:
        said = warnings(record(variant(chat_template=template, tool_calls="hermes")))
    except RecordError as error:
        said = error.problems
    assert any("A conversation with a tool call and its result" in sentence for sentence in said)
    assert warnings(record(variant(chat_template=template, tool_calls="none"))) == []


def test_names_of_variants_are_not_given_twice():
    (only,) = problems(record(variant(), variant(name="v2"), variant()))

    assert only.startswith("variants[2].name: variants[0] has the name 'v1', too")


def test_each_bad_variable_of_a_prompt_is_told():
    found = problems(record(prompt={"user": "{{ 1x }} {{ good }} {{ a-b }}", "system": "{{}}"}))

    assert found == [
        "prompt.system: {{}} does not hold a variable's name.",
        "prompt.user: {{ 1x }} does not hold a variable's name.",
        "prompt.user: {{ a-b }} does not hold a variable's name.",
    ]


def test_a_prompt_needs_a_way_to_be_sent():
    (only,) = problems(record(variant(body_format="mistral"), prompt={"user": "Hi"}))

    assert only.startswith("variants[0].chat_template: Without one, body_format mistral takes no messages")


def test_one_fault_hides_no_other():
    # GIVEN a record in which nearly everything is wrong
    broken = variant(weight=-1, chat_template="{% if %}", model_id="m", template_variables={"now": 1}, colour="red")
    nameless = {"model_id": IMPORTED, "body_format": "smoke", "chat_template": "zephir"}
    text = record(broken, nameless, model="A B", prompt={"user": "{{ 1x }}"}, defaults={"temperature": 9})

    places = {problem.split(": ")[0] for problem in problems(text)}

    assert places == {
        "model", "defaults.temperature", "prompt.user",
        "variants[0].weight", "variants[0].colour", "variants[0].chat_template", "variants[0].model_id",
        "variants[0].template_variables.now",
        "variants[1].name", "variants[1].body_format", "variants[1].model_id", "variants[1].chat_template",
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["", "no JSON", "[]", "null", '"x"', "{}", '{"variants": 5}', "[" * 100_000,
     '{"model": "m", "variants": [5, null]}', '{"model": "m", "variants": {"0": {}}}'],
)  # fmt: skip
def test_what_is_no_record_at_all_is_told(text):
    assert problems(text)


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (record(variant(model_id=MODEL_ARN.replace("us-east-1", "eu-west-3"))), "eu-west-3 has no Custom Model Import"),
        (record(variant(model_id="meta.llama3-8b-instruct-v1:0")), "is no imported model"),
        (record(limits={"max_tokens": 10}), "1024 is over limits.max_tokens; answers get 10"),
        (record(variant(template_variables={"a": 1})), "without a chat_template in the record nothing uses it"),
        (record(variant(chat_template="{{ bos_token }}" + CHATML)), "writes bos_token, which is not given"),
        (
            record(variant(chat_template="{% if messages[0].role != 'user' %}{{ raise_exception('No.') }}{% endif %}"
                           "{% if messages | length > 1 %}{{ raise_exception('One only.') }}{% endif %}" + CHATML)),
            "A conversation with an earlier answer cannot be rendered: The chat template refuses the conversation: One",
        ),
        (record(variant(chat_template=CHATML, tool_calls="hermes")), "chat template has no tools"),
        (record(variant(chat_template=CHATML.replace("m.content", "m.content | truncate(300)"))), "It cuts"),
        (record(variant(chat_template=CHATML.replace("m.content", "m.content[:300]"))), "It cuts or changes"),
        (record(variant(chat_template=CHATML.replace("in messages", "in messages[-4:]"))), "a long conversation"),
    ],
)  # fmt: skip
def test_what_may_not_be_meant_is_a_warning(text, warning):
    assert any(warning in sentence for sentence in warnings(text)), warnings(text)


def test_another_region_than_the_environments_is_a_warning(monkeypatch):
    monkeypatch.setenv("AWS_REGION", "us-west-2")

    (only,) = warnings(record())

    assert only == "variants[0].model_id: the model is in us-east-1, the environment's Region is us-west-2."


def run(tmp_path, text: str):
    path = tmp_path / "record.json"
    path.write_text(text)
    return CliRunner().invoke(main, ["record", str(path)])


def test_the_command_prints_the_item_and_warns_beside_it(tmp_path):
    result = run(tmp_path, record(limits={"max_tokens": 10}))

    assert result.exit_code == 0
    assert json.loads(result.stdout)["model"] == {"S": "m"}
    assert result.stderr.startswith("Warning: defaults.max_tokens")


def test_a_record_is_also_read_from_the_input_and_by_the_command_that_says_so(tmp_path):
    (tmp_path / "put").write_text(record())  # a file may have a command's name

    for arguments in (["check", str(tmp_path / "put")], ["-"], ["check", "-"]):
        result = CliRunner().invoke(main, ["record", *arguments], input=record())
        assert json.loads(result.stdout)["model"] == {"S": "m"}, arguments


def test_the_command_refuses_with_a_line_for_each_reason(tmp_path):
    result = run(tmp_path, record(variant(chat_template="qwen-2.5", model_id="m"), limits={"max_tokens": 10}))

    lines = result.stderr.splitlines()
    assert (result.exit_code, result.stdout) == (1, "")
    assert [line.split(":")[0] for line in lines] == ["variants[0].model_id", "variants[0].chat_template", "Warning"]
