"""Two translations of a page, section by section: what corresponds to what.

Levels decide most; where one page has more sections than the other, what no translator
changes (numbers, Latin words, commands, the shape of a section) tells which.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from firstlight.lint.concepts import concepts
from firstlight.lint.facts import Facts, Mark, Section
from firstlight.lint.pairs import language_in, pairs
from firstlight.lint.rule import Project

__all__ = ["Translation", "align", "function_of", "shown", "translations"]

_MOST = 60_000
"""Comparisons of sections for one pair of pages; more would take too long."""
_LONGEST = 44
"""Characters of a path that a message has room for."""

_GAP = -40
"""The score of a section without a counterpart; an integer, so that ties are ties."""

_LEVEL = 100
_OTHER_LEVEL = -50
_MILD = ("note", "tip")
_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]+|\d")


_Row = tuple[Section | None, Section | None]


class Translation(NamedTuple):
    """Two pages that are translations of each other, aligned.

    `path` is the page that findings belong to where neither is at fault: the one whose
    name tells its language, or the Chinese one. `sections` are pairs of a section of
    `path` and one of `other`; None is a section that the other side does not have.
    `sections` is empty when the pages have too little in common, or are too long.
    """

    path: str
    other: str
    facts: Facts
    other_facts: Facts
    sections: list[_Row]

    def both(self) -> Iterator[tuple[Section, Section]]:
        """Yield the sections that both pages have."""
        for mine, theirs in self.sections:
            if mine is not None and theirs is not None:
                yield mine, theirs


def translations(project: Project) -> list[Translation]:
    """Return the pairs of translations of a project, in the order of English paths."""
    return project.once(_translations)


def _translations(project: Project) -> list[Translation]:
    found = []
    languages = {path: facts.language for path, facts in project.facts.items()}
    for english, chinese in pairs(languages):
        is_original = bool(language_in(english)) and not language_in(chinese)
        path, other = (english, chinese) if is_original else (chinese, english)
        mine, theirs = project.facts[path], project.facts[other]
        sections = align(mine.sections, theirs.sections)
        found.append(Translation(path, other, mine, theirs, sections))
    return found


def shown(path: str, other: str, line: int = 0) -> str:
    """Return the name of another page, and a line of it, short enough for a message."""
    folder, name = posixpath.split(other)
    if folder != posixpath.dirname(path):
        name = other if len(other) <= _LONGEST else f"…{other[1 - _LONGEST :]}"
    return f"{name}:{line}" if line else name


def function_of(mark: Mark) -> str:
    """Return the function of a notice as the other language would write it.

    Chinese authors write 注意 where English ones write "Attention", and mean no more;
    and every fourth 提示 translates "Note". A tip is no other thing than a note then.
    """
    return (
        "note" if mark.label == "attention" or mark.function in _MILD else mark.function
    )


def align(left: Sequence[Section], right: Sequence[Section]) -> list[_Row]:
    """Return the sections of two pages side by side, in the order of both."""
    if [one.level for one in left] == [one.level for one in right]:
        found: list[_Row] = list(zip(left, right, strict=True))
    elif len(left) * len(right) > _MOST:
        return []
    else:
        found = list(_walk(left, right, _best(left, right)))
    return list(_apart(found))


def _apart(
    found: list[_Row],
) -> Iterator[_Row]:
    """Sections whose titles both name what another section of the other page names.

    They stand in another order there, and are no translations of each other.
    """
    mine = frozenset(t for one, _ in found if one for t in _tokens(one.title))
    theirs = frozenset(t for _, one in found if one for t in _tokens(one.title))
    for one, other in found:
        if one is not None and other is not None:
            here, there = _tokens(one.title), _tokens(other.title)
            is_other = here & theirs and there & mine and not here & there
            # The first heading is the title of both, whatever it says.
            if is_other and one.level > 1 and not _about(one) & _about(other):
                yield one, None
                yield None, other
                continue
        yield one, other


def _walk(
    left: Sequence[Section], right: Sequence[Section], steps: list[bytearray]
) -> Iterator[_Row]:
    row = column = 0
    while row < len(left) or column < len(right):
        step = steps[row][column]
        mine = left[row] if step != _RIGHT else None
        theirs = right[column] if step != _LEFT else None
        yield mine, theirs
        row += mine is not None
        column += theirs is not None


_BOTH, _LEFT, _RIGHT = 0, 1, 2


def _best(left: Sequence[Section], right: Sequence[Section]) -> list[bytearray]:
    """For each pair of beginnings, the first step of the best way to the end."""
    mine, theirs = [_Traits(each) for each in left], [_Traits(each) for each in right]
    width = len(right)
    steps = [bytearray(width + 1) for _ in range(len(left) + 1)]
    steps[len(left)][:] = bytes((_RIGHT,)) * (width + 1)
    below = [_GAP * (width - column) for column in range(width + 1)]
    for row in range(len(left) - 1, -1, -1):
        scores = [0] * width + [below[width] + _GAP]
        steps[row][width] = _LEFT
        for column in range(width - 1, -1, -1):
            both = below[column + 1] + _likeness(mine[row], theirs[column])
            skip_left, skip_right = below[column] + _GAP, scores[column + 1] + _GAP
            best = max(both, skip_left, skip_right)
            scores[column] = best
            if best > both:
                steps[row][column] = _LEFT if best == skip_left else _RIGHT
        below = scores
    return steps


class _Traits:
    """What of a section survives translation."""

    __slots__ = (
        *("commands", "concepts", "counts", "level", "numbers", "shape", "tokens"),
    )

    def __init__(self, section: Section) -> None:
        self.level = section.level
        self.tokens = _tokens(section.title)
        self.concepts = concepts(section.title)
        self.numbers = frozenset(t for t in self.tokens if t[0].isdigit())
        self.commands = frozenset(each.text for each in section.commands)
        self.counts = tuple(each.items for each in section.steps)
        self.shape = section.shape


def _tokens(title: str) -> frozenset[str]:
    return frozenset(map(_singular, _TOKEN.findall(title.lower())))


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") else word


def _about(section: Section) -> frozenset[str]:
    return concepts(section.title)


def _likeness(mine: _Traits, theirs: _Traits) -> int:
    titles = _shared(mine.tokens, theirs.tokens)
    # That nothing is shared tells little: headings are translated freely.
    about = max(_shared(mine.concepts, theirs.concepts), 0)
    if mine.level == theirs.level:
        score = _LEVEL
    elif max(titles, about) > 0 and mine.level and theirs.level:
        score = _OTHER_LEVEL
    else:
        return -900
    score += 2 * titles + about + 2 * _shared(mine.commands, theirs.commands)
    if mine.numbers != theirs.numbers:
        score -= 30
    if mine.counts or theirs.counts:
        score += 50 if mine.counts == theirs.counts else -20
    if mine.shape == theirs.shape:
        return score + (50 if mine.shape else 20)
    longest = max(len(mine.shape), len(theirs.shape))
    return score + 40 * min(len(mine.shape), len(theirs.shape)) // longest - 20


def _shared(mine: frozenset[str], theirs: frozenset[str]) -> int:
    """How much two sets share, to 100; less than 0 when they have nothing in common."""
    if not mine or not theirs:
        return 0
    common = len(mine & theirs)
    return 100 * common // len(mine | theirs) if common else -25
