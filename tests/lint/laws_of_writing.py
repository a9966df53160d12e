"""What holds for any page whatever: laws of marks and conversions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise, permutations, zip_longest

from firstlight.convert.pages import Converted, convert
from firstlight.convert.read import Content, notices, read
from firstlight.convert.write import SYNTAXES
from firstlight.finding import Keeps
from firstlight.lexicon.table import DEFAULT
from firstlight.lint.sources import Source
from firstlight.mark.propose import Proposal, proposals
from firstlight.mark.write import Written, write
from firstlight.markdown.page import Page
from firstlight.markdown.parse import parse
from firstlight.markdown.render import kept
from lint.laws import Broken, apart, line_ends, of_the_rest
from lint.renderers import RENDERERS, changed

__all__ = ["of_conversion", "of_marks"]


# Marks


def of_marks(source: Source) -> tuple[int, list[Broken]]:
    """Marks lose no word of the page, and are written once; returns how many."""
    written, broken = _marked(source), []
    after = written.source
    if (again := _marked(after).source).data != after.data:
        seen = apart(after.text, again.text)
        broken.append(Broken("marked twice is marked once", seen))
    if after.data == source.data:
        return len(written.made), broken
    for name, render in RENDERERS.items():
        one, two = _words(render(source.text)), _words(render(after.text))
        new = [word for word in two - one if word not in _labels()]
        if one - two or new:
            seen = f"{dict(one - two)} {new} {apart(source.text, after.text)}"
            broken.append(Broken(f"{name} shows the same words", seen[:400]))
    broken += of_the_rest(source, after, {Keeps.CODE})
    return len(written.made), broken


def _marked(source: Source) -> Written[Source]:
    def propose(page: Page) -> list[Proposal]:
        return proposals(page, DEFAULT)

    return write(source, DEFAULT, propose)


_WORD = re.compile(r"[a-z0-9]+|\w")


def _words(rendered: str) -> Counter[str]:
    """How often each word is there, of Chinese each character, and code."""
    text, code = kept(rendered, Keeps.TEXT)
    words = Counter(_WORD.findall(text.decode("utf-8", "replace").lower()))
    return words + Counter(each.decode("utf-8", "replace") for each in code)


@cache
def _labels() -> frozenset[str]:
    functions = DEFAULT.functions.values()
    texts = [f"{each.symbol} {each.english} {each.chinese}" for each in functions]
    return frozenset(word for text in texts for word in _WORD.findall(text.lower()))


# Conversions


def of_conversion(data: bytes) -> tuple[int, list[Broken]]:
    """Notices say the same in every syntax, whatever the way; returns how many."""
    there = {name: convert(data, syntax) for name, syntax in SYNTAXES.items()}
    if not any(done.count for done in there.values()):
        return 0, []
    broken = [each for name, done in there.items() for each in _of(data, done, name)]
    if len({len(done.left) for done in there.values()}) == 1:
        broken += _of_ways(data)  # Else a way ends where a title cannot be held.
    return max(done.count for done in there.values()), broken


def _of_ways(data: bytes) -> Iterator[Broken]:
    """From any syntax to any other: which also means that all lead back."""
    # What is in a syntax already is not written anew there, so it is once before.
    base = _to("myst", _to("docusaurus", data))
    straight = {name: _to(name, base) for name in SYNTAXES}
    ways = permutations(SYNTAXES, 2) if len(data) < _LONG else _RING
    for one, two in ways:
        page = _to(two, straight[one])
        # A notice that is one line does not say how lines end.
        if _in_lines(page) != _in_lines(straight[two]):
            seen = f"{two} by {one}: {apart(straight[two], page)}"
            yield Broken("every way leads to the same page", seen)


def _in_lines(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n")


_LONG = 100_000
"""Bytes of a page that takes too long for all ways; each syntax is on one of these."""
_RING = tuple(pairwise((*SYNTAXES, next(iter(SYNTAXES)))))


def _to(name: str, data: bytes) -> bytes:
    return convert(data, SYNTAXES[name]).data


def _of(before: bytes, done: Converted, name: str) -> Iterator[Broken]:
    after = done.data
    if after == before:
        return
    if _to(name, after) != after:
        yield Broken("converted twice is converted once", name)
    if (ends := line_ends(before)) and not line_ends(after) <= ends:
        yield Broken("line ends stay", f"{name}: {apart(before, after)}")
    for renderer in changed(before, after, (Keeps.TEXT_BUT_SYMBOLS,)):
        seen = f"{name}: {apart(before, after)}"
        yield Broken(f"{renderer} shows the same", seen)
    pairs = zip_longest(_said(before), _said(after))
    differing = next((pair for pair in pairs if pair[0] != pair[1]), None)
    if differing:
        yield Broken("notices say what they said", f"{name}: {differing}"[:400])


def _said(data: bytes) -> list[tuple[str, str, str]]:
    """Function, title and words of each notice that can be converted.

    One that holds others has no words: theirs are written in another way there.
    """
    page = parse(data)
    found = [
        content
        for number, notice in notices(page)
        if isinstance(content := read(page, number, notice), Content)
    ]
    ends = [*(each.span.start for each in found[1:]), len(data)]
    return [
        (each.function, each.title, _words_of(each) if each.span.end <= end else "")
        for each, end in zip(found, ends, strict=False)
    ]


def _words_of(content: Content) -> str:
    return re.sub(r"[\W_]+", " ", _text(content.lines))


def _text(lines: Iterable[bytes]) -> str:
    return b" ".join(lines).decode("utf-8", "replace")
