"""Templates that would run or grow without end, or reach out of the sandbox, are stopped with a clear error."""

from __future__ import annotations

import resource
import time
import tracemalloc

import pytest

from tests.prompt_format.golden_files import CONVERSATIONS, template
from tollgate_layer.prompt_format import PromptFormatError, render
from tollgate_layer.prompt_format.jinja.limits import DEFAULT_LIMITS, RenderLimits
from tollgate_layer.prompt_format.jinja.template import render_template
from tollgate_layer.prompt_format.template_input import TemplateInput

USER = {"role": "user", "content": "Hi"}
SECONDS = DEFAULT_LIMITS.seconds

ENDLESS = {
    "nested loops": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "macros that call themselves twice": (
        "{% macro f(n) %}{% if n < 2 %}1{% else %}{{ f(n - 1) }}{{ f(n - 2) }}{% endif %}{% endmacro %}{{ f(50) }}"
    ),
    "long comparisons": "{% set s = 'a' * 9999999 %}{% for a in range(99999) %}{{ 'b' in s }}{% endfor %}",
}
DOUBLING = "{% set ns = namespace(x='a') %}{% for i in range(99) %}{% set ns.x = VALUE %}{% endfor %}{{ ns.x }}"
KEPT = "{% set ns = namespace(l=[]) %}{% for i in range(99) %}{% set ns.l = ns.l + [VALUE] %}{% endfor %}"
HUGE = {
    "output in loops": "{% for a in range(99999) %}{% for b in range(99999) %}"
    + "x" * 1000
    + "{% endfor %}{% endfor %}",
    "output in a macro": (
        "{% macro m() %}{% for a in range(99999) %}" + "x" * 1000 + "{% endfor %}{% endmacro %}{{ m() | length }}"
    ),
    "a captured block": "{% set x %}{% for a in range(99999) %}" + "x" * 1000 + "{% endfor %}{% endset %}",
    "a large value, often": (
        "{% set s = 'x' * 999999 %}{% set t %}{% for a in range(99) %}{{ s }}{% endfor %}{% endset %}"
    ),
    "escaped output": "{% autoescape true %}{% for a in range(99999) %}{{ '<' * 1000 }}{% endfor %}{% endautoescape %}",
    "a repeated text": "{{ 'a' * 10**9 }}",
    "a repeated list": "{{ 10**9 * [1] }}",
    "a repeated list of long texts": "{{ (['x' * 99999] * 99999) | join }}",
    "repeated texts, kept": KEPT.replace("VALUE", "'x' * 9999999"),
    "repeated bytes, kept": KEPT.replace("VALUE", "'x'.encode() * 9999999"),
    "filtered texts, kept": KEPT.replace("VALUE", "('x' * 9999999) | upper"),
    "texts from methods, kept": KEPT.replace("VALUE", "('x' * 9999999).upper()"),
    "a text doubled by +": DOUBLING.replace("VALUE", "ns.x + ns.x"),
    "a text doubled by ~": DOUBLING.replace("VALUE", "ns.x ~ ns.x"),
    "a list in a list, twice": DOUBLING.replace("VALUE", "[ns.x, ns.x]"),
    "a tuple in a tuple, twice": DOUBLING.replace("VALUE", "(ns.x, ns.x)"),
    "an object in an object, twice": DOUBLING.replace("VALUE", "{'a': ns.x, 'b': ns.x}"),
    "a dict in a dict, twice": DOUBLING.replace("VALUE", "dict(a=ns.x, b=ns.x)"),
    "the center filter": "{{ 'x' | center(1000000000) }}",
    "the center method": "{{ 'x'.center(1000000000) }}",
    "ljust": "{{ 'x'.ljust(width) }}",
    "zfill": "{{ '1'.zfill(999999999) }}",
    "map": "{{ range(99999) | map('center', 99999) | list | length }}",
    "sort": "{{ range(99999) | map('center', 99999) | sort | length }}",
    "old-style formatting": "{{ '%999999999d' % 1 }}",
    "old-style formatting with a star": "{{ '%*d' % (999999999, 1) }}",
    "the format filter": "{{ '%999999999d' | format(1) }}",
    "the format method": "{{ '{:>999999999}'.format(1) }}",
    "the format method with a field": "{{ '{:>{w}}'.format(1, w=999999999) }}",
    "format_map": "{{ '{a:>{w}}'.format_map({'a': 1, 'w': 999999999}) }}",
    "the replace filter": "{% set s = 'a' * 99999 %}{{ s | replace('a', s) }}",
    "the replace method": "{% set s = 'a' * 99999 %}{{ s.replace('a', s) }}",
    "the join filter": "{% set s = 'a' * 99999 %}{{ range(99999) | join(s) }}",
    "the join method": "{% set s = 'a' * 99999 %}{{ s.join(s) }}",
    "indent": "{% set s = 'a\n' * 99999 %}{{ s | indent(99999) }}",
    "wordwrap": "{% set s = 'a ' * 9999 %}{{ s | wordwrap(1, wrapstring=s) }}",
    "slice": "{% for x in [1] | slice(1000000000) %}{% endfor %}",
    "batch": "{{ [1] | batch(1000000000, 0) | list }}",
    "tojson": "{{ [[1]] | tojson(indent=1000000000) }}",
    "translate": "{{ 'a'.translate({97: 'b'}) }}",
    "to_bytes": "{{ (5).to_bytes(1000000000, 'big') }}",
    "large numbers": "{% set ns = namespace(x=9) %}{% for i in range(99) %}{% set ns.x = ns.x * ns.x %}{% endfor %}",
    "towers of powers": "{{ 10 ** (10 ** 10) }}",
    "deep recursion": "{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}",
    "deep nesting": (
        "{% set ns = namespace(x=[]) %}{% for i in range(2000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x | tojson }}"
    ),
}
_COLLIDING = "range(0, (2**61-1)*60000, 2**61-1)"  # numbers that all have the same hash
SLOW_STEPS = {
    "a list searched for each item": "{{ range(100000) | select('in', range(100000) | list) | list }}",
    "the same for reject": "{{ range(100000) | reject('in', range(100000) | list) | list }}",
    "a sum of lists": "{{ range(100000) | batch(1) | sum(start=[]) }}",
    "colliding numbers, each once": "{{ " + _COLLIDING + " | unique | list }}",
    "colliding keys": "{% set d = dict(" + _COLLIDING + " | map('list')) %}",
    "colliding numbers by steps": (
        "{% set ns = namespace(n=0, l=[]) %}{% for i in range(5000) %}{% set ns.n = ns.n + 2**59 %}{% endfor %}"
    ),
    "stripping many characters": "{{ ('a' * 1000000).strip('b' * 1000000 ~ 'a') }}",
    "trimming many characters": "{{ ('a' * 1000000) | trim('b' * 1000000 ~ 'a') }}",
    "trimming many characters by name": "{{ ('a' * 1000000) | trim(chars='b' * 1000000 ~ 'a') }}",
    "filters of literals": "{{ 'a' | center(99999) | replace(' ', 'b' | center(159))" + " | upper | title" * 20 + " }}",
    "nested selects": "{% for x in range(99999) " + "| select('defined')" * 60 + " | list %}{% endfor %}",
    "wrapping": "{{ ('a ' * 1000000) | wordwrap(1) }}",
    "a width from a large number": "{{ '{0:{1}}'.format('a', '>900000000') }}",
    "a width from an item": "{{ '{1:{0[0]}}'.format([900000000], 'a') }}",
    "a width from a mapping": "{{ '{a:{b[0]}}'.format_map({'a': 1, 'b': [900000000]}) }}",
    "joining a generator": "{{ ('x' * 99999).join(range(99999) | map('string')) }}",
    "replacing bytes": "{{ ('a' * 99999).encode().replace('a'.encode(), ('b' * 99999).encode()) }}",
    "tabs": "{{ ('\t' * 99999).expandtabs(100000) }}",
    "a mapping's value again and again": "{{ ('%(a)s' * 1999) % {'a': 'x' * 999999} }}",
    "widths again and again": "{{ ('%99999d' * 999) % 1 }}",
    "a list of a long text's letters": "{{ ('ab' * 7000000) | list | length }}",
    "pieces of a long text": "{{ ('ab ' * 5000000).split(' ') | length }}",
    "pieces of a long text by name": "{{ ('ab ' * 5000000).split(sep=' ') | length }}",
    "sorting long texts": "{{ (['X' * 99999] * 9999) | sort | length }}",
    "deep indentation": (
        "{% set ns = namespace(x=[1] * 9999) %}{% for i in range(400) %}{% set ns.x = [ns.x] %}{% endfor %}"
        "{{ ns.x | tojson(indent=60) }}"
    ),
    "indentation by name": "{% set s = 'a\n' * 99999 %}{{ s | indent(first=true, width=99999) }}",
    "many macros": "{% macro f() %}{{ 1 }}{% endmacro %}" * 2700,
    "a long list": "{% set x = [" + "1," * 40000 + "] %}",
    "many statements": "{% set x = 1 %}" * 6000,
    "autoescape, decided while compiling": "{% autoescape 'a' | center(99999) | length %}{% endautoescape %}",
}
ESCAPES = {
    "class": "{{ ''.__class__.__mro__ }}",
    "format": "{{ '{0.__class__.__mro__}'.format('') }}",
    "function": "{{ raise_exception.__globals__.x }}",
    "method": "{{ strftime_now.__self__.x }}",
    "type": "{{ cycler.__init__.__globals__ }}",
    "namespace": "{% set ns = namespace(__class__=1) %}",
    "namespace attributes": "{% set ns = namespace() %}{{ ns._Namespace__attrs.x }}",
    "changing the messages": "{{ messages.append(1) }}",
    "changing a message": "{{ messages[0].update({'role': 'system'}) }}",
    "imports": "{% import 'os' as os %}",
    "files": "{% include '/etc/passwd' %}",
}


def refused(source: str) -> str:
    with pytest.raises(PromptFormatError) as caught:
        render([USER], template=source, width=999999999)
    return str(caught.value)


@pytest.mark.parametrize("name", ENDLESS)
def test_a_template_that_runs_without_end_is_stopped_in_time(name: str):
    # GIVEN a limit that a test can wait for
    limits = RenderLimits(seconds=0.2)
    template_input = TemplateInput([USER], None, {}, True, None, {})
    start = time.monotonic()

    # WHEN a template would run for days
    with pytest.raises(PromptFormatError) as caught:
        render_template(ENDLESS[name], template_input, limits)

    # THEN it is stopped at the limit
    assert str(caught.value) == f"the chat template was stopped: it runs longer than {limits.seconds:g} seconds."
    assert time.monotonic() - start < limits.seconds + 1


def test_every_render_has_two_seconds():
    reason = refused(ENDLESS["nested loops"])

    assert reason == "the chat template was stopped: it runs longer than 2 seconds."


@pytest.mark.parametrize("name", HUGE)
def test_a_template_that_makes_huge_values_is_stopped_before_they_fill_the_memory(name: str):
    tracemalloc.start()
    try:
        reason = refused(HUGE[name])
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert reason.startswith("the chat template was stopped: ")
    assert most < 100e6


@pytest.mark.parametrize("name", SLOW_STEPS)
def test_no_single_step_runs_or_grows_without_end_at_compile_time_or_later(name: str):
    # GIVEN a limit that a test can wait for
    limits = RenderLimits(seconds=0.5)
    template_input = TemplateInput([USER], None, {}, True, None, {})
    start = time.process_time()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(PromptFormatError) as caught:
        render_template(SLOW_STEPS[name], template_input, limits)

    assert str(caught.value).startswith("the chat template was stopped: ")
    assert time.process_time() - start < limits.seconds + 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # KiB


@pytest.mark.parametrize("source", ["{{ 'x' | center(9) }}", "{{ ['x'] | map('center', 9) | list }}"])
def test_a_filter_that_chat_templates_do_not_need_is_refused_by_name(source: str):
    assert (
        refused(source) == "the chat template was stopped: it uses the filter 'center', which chat templates may not."
    )


@pytest.mark.parametrize("name", ESCAPES)
def test_a_template_cannot_reach_out_of_its_sandbox(name: str):
    messages = [dict(USER)]

    with pytest.raises(PromptFormatError):
        render(messages, template=ESCAPES[name])

    assert messages == [USER]


@pytest.mark.parametrize(
    "source",
    [
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        "{% for a in b %}" * 30 + "{% endfor %}" * 30,
        "{{ 'x' }}" + "x" * 300_000,
    ],
    ids=["deep expression", "deep loops", "long source"],
)
def test_a_template_that_cannot_be_compiled_is_refused(source: str):
    assert refused(source).startswith("the chat template ")


def test_a_long_conversation_is_no_hostile_one():
    messages = [{"role": "user", "content": f"{number} " * 500} for number in range(2000)]

    prompt = render(messages, template=template("own-features"))

    assert "12" in prompt
    assert render(messages, template=template("own-reasoning")).count("<|user|>") == 2000


def test_a_large_message_is_no_hostile_one():
    messages = [{"role": "user", "content": "x" * 6_000_000}]

    assert len(render(messages, template=template("own-features"))) > 6_000_000


def test_a_failed_render_leaves_the_template_usable():
    source = "{% for x in range(n) %}{% for y in range(n) %}" + "x" * 100 + "{% endfor %}{% endfor %}"
    with pytest.raises(PromptFormatError):
        render([USER], template=source, n=9999)

    assert render([USER], template=source, n=2) == "x" * 400


@pytest.mark.alone
def test_limits_change_no_prompt_of_the_recorded_conversations():
    """The golden tests render under these limits; here, that the longest of them is far from them."""
    longest = max(CONVERSATIONS.values(), key=lambda case: len(str(case["messages"])))
    start = time.monotonic()

    render(longest["messages"], template=template("own-features"))

    assert time.monotonic() - start < SECONDS / 10
