"""Charts as SVG by hand: bars and lines, in the page's own colours, so that one file is a whole report.

Colours are CSS variables of `PAGE`, which has a dark scheme, too. Nothing is loaded from anywhere.
"""

from __future__ import annotations

import html
import math
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM = 640, 56, 12, 10, 34
_LINE_HEIGHT = 240
_BAR_HEIGHT, _NAME_WIDTH = 26, 216
_COLOURS = ("var(--one)", "var(--two)", "var(--three)", "var(--four)")

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>
:root {{ --ink: #1c2228; --soft: #5b6670; --paper: #ffffff; --rule: #d8dde2;
  --one: #1f6f8b; --two: #b3541e; --three: #4b7f3a; --four: #7a4a94; color-scheme: light dark }}
@media (prefers-color-scheme: dark) {{ :root {{ --ink: #e6eaee; --soft: #a3adb6; --paper: #14181c; --rule: #39424a;
  --one: #5db3d0; --two: #e8935a; --three: #8cc474; --four: #c193db }} }}
body {{ font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem;
  margin: 0 auto; padding: 1rem }}
h1 {{ font-size: 1.4rem }} h2 {{ font-size: 1.1rem; margin-top: 2rem }} p.note {{ color: var(--soft) }}
.wide {{ overflow-x: auto }} .wide + .wide {{ margin-top: 1rem }}
table {{ border-collapse: collapse; font-size: .9rem }}
th, td {{ padding: .25rem .6rem; border-bottom: 1px solid var(--rule); text-align: right; white-space: nowrap }}
th:first-child, td:first-child {{ text-align: left }}
svg {{ width: 100%; min-width: 34rem; height: auto; display: block }}
svg text {{ fill: var(--ink); font: 13px system-ui, sans-serif }}
</style></head><body><main>
<h1>{title}</h1>
{body}
</main></body></html>
"""


_FILE_STYLE = """<style>
svg { --ink: #1c2228; --paper: #ffffff; --rule: #d8dde2;
  --one: #1f6f8b; --two: #b3541e; --three: #4b7f3a; --four: #7a4a94; background: var(--paper) }
@media (prefers-color-scheme: dark) { svg { --ink: #e6eaee; --paper: #14181c; --rule: #39424a;
  --one: #5db3d0; --two: #e8935a; --three: #8cc474; --four: #c193db } }
text { fill: var(--ink); font: 13px system-ui, sans-serif }
</style>"""


def standalone(drawing: str) -> str:
    """A chart of this module as a file of its own, for a page that shows pictures."""
    start, end = drawing.index("<svg"), drawing.index("</svg>") + len("</svg>")
    head, rest = drawing[start:end].split(">", 1)
    return f'{head} xmlns="http://www.w3.org/2000/svg">{_FILE_STYLE}{rest}\n'


def page(title: str, parts: Sequence[str]) -> str:
    """One HTML file of parts that are HTML already."""
    return _PAGE.format(title=html.escape(title), body="\n".join(parts))


def section(title: str, *parts: str) -> str:
    """A part of a page under a heading."""
    return f"<section><h2>{html.escape(title)}</h2>\n{''.join(parts)}</section>"


def paragraph(text: str, *, note: bool = False) -> str:
    """A paragraph of plain text."""
    kind = ' class="note"' if note else ""
    return f"<p{kind}>{html.escape(text)}</p>\n"


def table(rows: Sequence[Sequence[str]]) -> str:
    """A table, whose first row names the columns; it scrolls where the page is narrow."""
    head = "".join(f"<th scope='col'>{html.escape(cell)}</th>" for cell in rows[0])
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows[1:])
    return f'<div class="wide" tabindex="0"><table><tr>{head}</tr>{body}</table></div>\n'


def bars(title: str, values: Mapping[str, float], shown: Mapping[str, str], line: float | None = None) -> str:
    """Horizontal bars by name, with what is written behind each; `line` is a value to compare all with."""
    most = max([*values.values(), line or 0.0, 1e-9])
    height = _BAR_HEIGHT * len(values) + 6
    room = _WIDTH - _NAME_WIDTH - 90
    parts = []
    for place, (name, value) in enumerate(values.items()):
        top = place * _BAR_HEIGHT + 4
        width = room * value / most
        parts.append(f'<text x="0" y="{top + 14}">{html.escape(name)}</text>')
        parts.append(f'<rect x="{_NAME_WIDTH}" y="{top}" width="{width:.1f}" height="18" fill="var(--one)"/>')
        parts.append(f'<text x="{_NAME_WIDTH + width + 6:.1f}" y="{top + 14}">{html.escape(shown[name])}</text>')
    if line is not None:
        x = _NAME_WIDTH + room * line / most
        parts.append(
            f'<line x1="{x:.1f}" y1="0" x2="{x:.1f}" y2="{height}" stroke="var(--two)" stroke-dasharray="4 3"/>'
        )
    return _svg(title, height, parts)


def lines(title: str, series: Mapping[str, Sequence[tuple[float, float]]], x_name: str, *, steps: bool = False) -> str:
    """Lines over one axis, by name; with `steps` a value holds until the next one."""
    points = [point for values in series.values() for point in values]
    if not points:
        return paragraph("Nothing to draw.", note=True)
    x0, x1 = min(x for x, _ in points), max(x for x, _ in points)
    most = _round_up(max(y for _, y in points))
    width, height = _WIDTH - _LEFT - _RIGHT, _LINE_HEIGHT - _TOP - _BOTTOM

    def place(x: float, y: float) -> str:
        across = (x - x0) / (x1 - x0) if x1 > x0 else 0.5
        return f"{_LEFT + width * across:.1f},{_TOP + height * (1 - y / most):.1f}"

    parts = _axes(x0, x1, most, x_name)
    for number, (name, values) in enumerate(series.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        drawn = [place(*values[0])] if values else []
        for before, after in pairwise(values):
            if steps:
                drawn.append(place(after[0], before[1]))
            drawn.append(place(*after))
        parts.append(f'<polyline points="{" ".join(drawn)}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(
            f'<text x="{_LEFT + 8}" y="{_TOP + 14 + 16 * number}" style="fill:{colour}">{html.escape(name)}</text>'
        )
    return _svg(title, _LINE_HEIGHT, parts)


def _axes(x0: float, x1: float, most: float, x_name: str) -> list[str]:
    bottom = _LINE_HEIGHT - _BOTTOM
    parts = []
    for share in (0, 0.5, 1):
        y = _TOP + (bottom - _TOP) * (1 - share)
        parts.append(f'<line x1="{_LEFT}" y1="{y}" x2="{_WIDTH - _RIGHT}" y2="{y}" stroke="var(--rule)"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{most * share:.4g}</text>')
    parts.append(f'<text x="{_LEFT}" y="{bottom + 18}">{_plain(x0)}</text>')
    parts.append(
        f'<text x="{_WIDTH - _RIGHT}" y="{bottom + 18}" text-anchor="end">{_plain(x1)} {html.escape(x_name)}</text>'
    )
    return parts


def _plain(value: float) -> str:
    """A number with one decimal, or none."""
    return f"{value:.1f}".removesuffix(".0")


def _round_up(value: float) -> float:
    """The next of 1, 2 and 5, times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    for step in (1, 2, 5, 10):
        if step * power >= value:
            return step * power
    return 10 * power


def _svg(title: str, height: float, parts: Sequence[str]) -> str:
    named = html.escape(title)
    drawing = f'<svg viewBox="0 0 {_WIDTH} {height:g}" role="img" aria-label="{named}">{"".join(parts)}</svg>'
    return f'<div class="wide" tabindex="0">{drawing}</div>\n'
