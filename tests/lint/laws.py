"""What holds for any page whatever: laws of findings and fixes.

Each function yields what breaks a law, as its name and what was seen. The test of the
laws asks about pages that are made up, the benchmark of the corpora about real ones.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

from firstlight.finding import Keeps
from firstlight.lexicon.table import DEFAULT
from firstlight.lint.check_page import check_source
from firstlight.lint.fixes import Fixed, fix_source
from firstlight.lint.plan import Plan
from firstlight.lint.result import Found
from firstlight.lint.rule import Given
from firstlight.lint.rules import load
from firstlight.lint.sources import Source
from firstlight.markdown.page import Page
from firstlight.markdown.parse import parse
from lint.renderers import RENDERERS, changed
from markdown.sources import violations

__all__ = [
    "LAWS",
    "Broken",
    "all_rules",
    "default_rules",
    "line_ends",
    "apart",
    "of_findings",
    "of_fixes",
    "of_the_rest",
]


class Broken(NamedTuple):
    """A law that does not hold for a page, and what was seen."""

    law: str
    seen: str


_SAME = tuple(f"{name} shows the same" for name in RENDERERS)
_WORDS = tuple(f"{name} shows the same words" for name in RENDERERS)
_FIXES = ("fixes come to an end", "fixed twice is fixed once", *_SAME, "all else stays")
LAWS = {
    "lint": (
        "blocks lie where the source has them",
        "no rule fails",
        "a finding lies in its page, at its place",
        "a finding holds what it claims",
        "edits lie apart in the page and change it",
    ),
    "fix": _FIXES,
    "unsafe fix": _FIXES,
    "mark": ("marked twice is marked once", *_WORDS, "all else stays"),
    "convert": (
        "converted twice is converted once",
        *_SAME,
        "notices say what they said",
        "line ends stay",
        "every way leads to the same page",
    ),
}
"""What is done with a page -> the laws of it."""


@cache
def default_rules() -> Plan:
    """What looks at a page whose project says nothing."""
    rules = tuple(rule for rule in load() if rule.on)
    return Plan(given=Given(lexicon=DEFAULT), rules=rules)


@cache
def all_rules() -> Plan:
    """Every rule there is."""
    return Plan(given=Given(lexicon=DEFAULT), rules=tuple(load()))


# Findings


def of_findings(source: Source, plan: Plan) -> tuple[int, list[Broken]]:
    """Findings lie in the page and hold what they claim; returns how many there are."""
    page, found = parse(source.text, source.path), check_source(source, plan).found
    broken = [
        Broken("blocks lie where the source has them", v) for v in violations(page)
    ]
    return len(found), broken + [b for each in found for b in _of_finding(page, each)]


def _of_finding(page: Page, found: Found) -> Iterator[Broken]:
    if found.code in ("lint.rule-failed", "lint.unreadable"):
        yield Broken("no rule fails", found.message)
    elif not (_is_in(page.data, found.span) and _is_placed(page.data, found)):
        yield Broken("a finding lies in its page, at its place", _told(found))
    elif missing := [each for each in _claims(found) if not _has(page, found, each)]:
        yield Broken("a finding holds what it claims", f"{_told(found)}: {missing}")
    yield from _of_edits(page.data, found)


def _told(found: Found) -> str:
    return f"{found.where} {found.code} {found.message}"


def _is_in(data: bytes, span: tuple[int, int]) -> bool:
    """Whether a span lies in a page, between characters where these are UTF-8."""
    start, end = span
    inside = [byte for at in span for byte in data[at : at + 1] if 0x80 <= byte < 0xC0]
    return 0 <= start <= end <= len(data) and not (inside and _is_utf8(data))


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _is_placed(data: bytes, found: Found) -> bool:
    """Whether line and column are those of the span; in a notebook, of its cell."""
    before = data[: found.span.start].removeprefix(b"\xef\xbb\xbf")
    lines = before.decode("utf-8", "replace").split("\n")
    column = len(lines[-1]) + 1
    return found.column == column and (found.cell > 0 or found.line == len(lines))


def _of_edits(data: bytes, found: Found) -> Iterator[Broken]:
    edits = sorted(found.fix.edits) if found.fix else []
    is_sound = (
        (edits or not found.fix)
        and all(_is_in(data, edit.span) for edit in edits)
        and all(data[slice(*edit.span)] != edit.text for edit in edits)
        and not any(a.span.end > b.span.start for a, b in pairwise(edits))
    )
    if not is_sound:
        yield Broken("edits lie apart in the page and change it", _told(found))


_SIGN = r"^(\S+)"
_QUOTED = r"“(.+?)”"
_CODE = r"^`(.+?)`"
_CLAIMS = {
    "notices.buried-hazard": _QUOTED,
    "notices.empty": r"\((.+)\)",
    "notices.dead-emphasis": r"^\*\*(.+)\*\* is not",
    "notices.unknown-type": r"^(?:\[!|“)(.+?)(?:\]|”)",
    "notices.unmarked-word": _QUOTED,
    "steps.prompt-character": _CODE,
    "steps.unexplained-placeholder": _CODE,
    "structure.bare-url": r"^(\S+)",
    "structure.duplicate-heading": _QUOTED,
    "structure.emphasis-as-heading": _QUOTED,
    "structure.empty-section": _QUOTED,
    "structure.vague-link-text": _QUOTED,
    "symbols.alias": _SIGN,
    "symbols.alone": _SIGN,
    "symbols.feeling": _SIGN,
    "symbols.in-a-row": _SIGN,
    "symbols.inside-text": _SIGN,
    "symbols.presentation": _SIGN,
    "symbols.shortcode": r"^(:\S+:)",
    "symbols.unknown": _SIGN,
    "symbols.variant": _SIGN,
}
"""Rule -> the part of its message that must be in its span."""


def _claims(found: Found) -> list[str]:
    pattern = _CLAIMS.get(found.code)
    claim = re.search(pattern, found.message) if pattern else None
    if claim is None:
        return [found.message] if pattern else []
    return [claim[1].removesuffix("…")]


def _has(page: Page, found: Found, claim: str) -> bool:
    places = (page.cut(found.span), page.read(found.span))
    wanted = _plain(claim)
    return any(wanted in _plain(each) for each in places)


def _plain(text: str) -> str:
    return "".join(text.replace("\\", "").replace("\ufe0f", "").split()).lower()


# Fixes


def of_fixes(
    source: Source, plan: Plan, *, unsafe: bool = False
) -> tuple[Fixed, list[Broken]]:
    """Fixes come to an end, and change nothing that they must keep.

    The fixes of all rules together are judged by the weakest of their promises, so
    those of each promise are also made and judged by themselves.
    """
    fixed, broken = _of_plan(source, plan, unsafe)
    for keeps in {rule.keeps for rule in plan.rules if rule.code in fixed.made}:
        rules = tuple(rule for rule in plan.rules if rule.keeps == keeps)
        broken += _of_plan(source, replace(plan, rules=rules), unsafe)[1]
    return fixed, broken


def _of_plan(source: Source, plan: Plan, unsafe: bool) -> tuple[Fixed, list[Broken]]:
    fixed = fix_source(source, plan, unsafe=unsafe)
    before, after = source, fixed.source
    broken = [
        Broken("fixes come to an end", _told(each))
        for each in fixed.checked.found
        if each.code in ("lint.fix-conflict", "lint.rule-failed")
    ]
    again = fix_source(after, plan, unsafe=unsafe).source
    if again.data != after.data:
        broken.append(Broken("fixed twice is fixed once", _first(after, again)))
    keeps = {rule.keeps or Keeps.HTML for rule in plan.rules if rule.code in fixed.made}
    for name in changed(before.text, after.text, keeps):
        seen = f"{dict(fixed.made)} {_first(before, after)}"
        broken.append(Broken(f"{name} shows the same", seen))
    broken += of_the_rest(before, after, keeps)
    return fixed, broken


def _first(one: Source, two: Source) -> str:
    return apart(one.text, two.text)


def apart(one: bytes, two: bytes) -> str:
    """Return the first place where two pages differ, and what is there."""
    pairs = enumerate(zip(one, two, strict=False))
    at = next((at for at, (a, b) in pairs if a != b), min(len(one), len(two)))
    start = max(at - 40, 0)
    shown = (text[start : at + 60].decode("utf-8", "replace") for text in (one, two))
    return " -> ".join(map(repr, shown))


def of_the_rest(before: Source, after: Source, keeps: set[Keeps]) -> Iterator[Broken]:
    """Yield what changed that no fix and no mark has to do with."""
    if before.data == after.data:
        return
    if before.path.endswith(".ipynb"):
        if _without_text(before.data) != _without_text(after.data):
            yield Broken("all else stays", "more than Markdown cells changed")
        return
    ends = line_ends(before.data)
    if ends and not line_ends(after.data) <= ends:
        yield Broken("all else stays", f"line ends: {ends}")
    for name, part in _REST.items():
        one, two = part(before.data), part(after.data)
        if one != two:
            yield Broken("all else stays", f"{name}: {one!r} -> {two!r}"[:200])
    if Keeps.CODE not in keeps and _code(before.data) != _code(after.data):
        yield Broken("all else stays", f"code: {_first(before, after)}")


def _without_text(data: bytes) -> Any:
    book = json.loads(data)
    for cell in book.get("cells", ()):
        if cell.get("cell_type") == "markdown":
            cell["source"] = ""
    return book


def line_ends(data: bytes) -> set[bytes]:
    """Return how the lines of a page end."""
    return set(re.findall(rb"\r?\n", data))


_REST: dict[str, Callable[[bytes], object]] = {
    "the byte order mark": lambda data: data.startswith(b"\xef\xbb\xbf"),
    "the end of the file": lambda data: data.endswith(b"\n"),
    "front matter": lambda data: [parse(data).cut(b) for b in parse(data).of("front")],
}


def _code(data: bytes) -> list[str]:
    page = parse(data)
    found = [page.cut(block.text) for kind in _KINDS for block in page.of(kind)]
    return found + [page.cut(run) for run in page.inlines("html")]


_KINDS = ("fence", "indented", "html")
