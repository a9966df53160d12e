"""Cue words: what in a text tells of harm, of an order to do something, of a result.

The words are in ``harms.txt`` and ``speech.txt``. All of them are looked for at once,
in one pass over the text for each language, however many they are.
"""

from __future__ import annotations

import re
import string
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from itertools import product
from pathlib import Path
from typing import NamedTuple, TypeAlias

from ahocorasick_rs import BytesAhoCorasick

from firstlight.lexicon.kinds import HARMS, KINDS, LISTED, SPEECH
from firstlight.lexicon.table import DEFAULT, Lexicon

__all__ = [
    "HARMS",
    "KINDS",
    "LISTED",
    "SPEECH",
    "STRONG",
    "WEAK",
    "Cue",
    "find",
    "words",
]

STRONG, WEAK = "strong", "weak"
_NEVER, _HARM = "never", "harm"
_FOLDER = Path(__file__).parent
_CHOICE = re.compile(r"\(([^()]*)\)")
_SPACE = 0x20
_KEPT = f"{string.ascii_lowercase}{string.digits}'_".encode()
_TO_WORDS = bytes(
    byte if byte in _KEPT else _SPACE for byte in bytes(range(256)).lower()
)
_QUOTES = (("'", "'"), ("'", "   "))
"""A straight quote; a curly one, of which three spaces are left."""

_Place: TypeAlias = tuple[int, int, int]
_Own: TypeAlias = tuple[tuple[str, tuple[str, ...]], ...]
_Meanings: TypeAlias = tuple[tuple[str, str], ...]


class Cue(NamedTuple):
    """A cue word in a source.

    `word` is as the tables have it, in lower case. `weight` is ``strong`` where the
    word means its kind by itself, ``weak`` where others must speak for it too.
    """

    start: int
    end: int
    word: str
    kind: str
    weight: str


def find(
    prose: bytes, lexicon: Lexicon = DEFAULT, kinds: tuple[str, ...] = KINDS
) -> dict[str, list[Cue]]:
    """Return the cues in a text by their kind, in order.

    No two of a kind overlap: of those that begin first, the longest wins. The same
    words may be cues of several kinds.

    Args:
        prose: UTF-8 in which only words are left (`Page.prose`).
        lexicon: Whose cues to look for.
        kinds: Of which kinds; few are found sooner than all.
    """
    tables = _tables(_own(lexicon), kinds)
    places = tables.english.places(prose)
    if not prose.isascii():
        places += tables.chinese.places(prose)
    places.sort()
    found: dict[str, list[Cue]] = {}
    reached = dict.fromkeys(kinds, 0)
    for start, minus_end, number in places:
        word, meanings = tables.entries[number]
        for kind, weight in meanings:
            if start < reached[kind]:
                continue
            reached[kind] = end = -minus_end
            if weight != _NEVER:
                found.setdefault(kind, []).append(Cue(start, end, word, kind, weight))
    return found


def words(kind: str, lexicon: Lexicon = DEFAULT) -> tuple[str, ...]:
    """Return all words of a kind in lower case, in the order of the tables."""
    return tuple(
        word
        for word, meanings in _words(_own(lexicon)).items()
        if any(each == kind and weight != _NEVER for each, weight in meanings)
    )


# Looking for all at once


class _English:
    """Whole words of any case; all that is no letter or digit is a space to them.

    So a phrase goes on over a line end, and not over a full stop and its space.
    """

    def __init__(self, numbered: Iterable[tuple[int, str]]) -> None:
        # Each begins with a space: most of what is inside other words is no match then.
        spelled = {f" {p.replace(*q)}": n for n, p in numbered for q in _QUOTES}
        self._numbers = list(spelled.values())
        self._automaton = BytesAhoCorasick([phrase.encode() for phrase in spelled])

    def places(self, prose: bytes) -> list[_Place]:
        """Return where phrases stand: start, minus end, number."""
        text = b" %s " % prose.translate(_TO_WORDS)
        found = self._automaton.find_matches_as_indexes(text, overlapping=True)
        numbers = self._numbers
        return [(s, 1 - e, numbers[n]) for n, s, e in found if text[e] == _SPACE]


class _Chinese:
    """Phrases wherever they stand: nothing separates words there."""

    def __init__(self, numbered: Iterable[tuple[int, str]]) -> None:
        spelled = {phrase: number for number, phrase in numbered}
        self._numbers = list(spelled.values())
        self._automaton = BytesAhoCorasick([phrase.encode() for phrase in spelled])

    def places(self, prose: bytes) -> list[_Place]:
        """Return where phrases stand: start, minus end, number."""
        found = self._automaton.find_matches_as_indexes(prose.lower(), overlapping=True)
        return [(start, -end, self._numbers[n]) for n, start, end in found]


class _Tables(NamedTuple):
    entries: list[tuple[str, _Meanings]]
    english: _English
    chinese: _Chinese


@cache
def _tables(own: _Own, kinds: Collection[str]) -> _Tables:
    wanted = frozenset(kinds).difference(LISTED)
    entries = []
    for word, meanings in _words(own).items():
        sought = tuple(each for each in meanings if each[0] in wanted)
        if sought:
            entries.append((word, sought))
    numbered = [(number, word) for number, (word, _) in enumerate(entries)]
    english = _English(each for each in numbered if each[1].isascii())
    chinese = _Chinese(each for each in numbered if not each[1].isascii())
    return _Tables(entries, english, chinese)


# The words


def _own(lexicon: Lexicon) -> _Own:
    return tuple(sorted(lexicon.cues.items()))


@cache
def _words(own: _Own) -> dict[str, _Meanings]:
    """Return each phrase with the kinds it is a cue of, and what it counts there."""
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for name in ("harms.txt", "speech.txt"):
        for kind, weight, phrase in _read(_FOLDER / name):
            for each in _choices(phrase.lower()):
                found[each].setdefault(kind, weight)
    for kind, several in own:
        for each in several:
            found[each][kind] = STRONG
    return {word: tuple(_each_kind(several)) for word, several in found.items()}


def _each_kind(several: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for kind, weight in several.items():
        for each in HARMS if kind == _HARM else (kind,):
            yield each, weight


def _read(path: Path) -> Iterator[tuple[str, str, str]]:
    """Yield kind, weight and phrase of a table."""
    kind = weight = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            kind, weight = line.strip("[]").split()
        elif not line.startswith("#"):
            yield from ((kind, weight, p) for p in line.split(", ") if p)


def _choices(phrase: str) -> Iterator[str]:
    """Yield a phrase with each of its choices: ``(a|b) c`` is ``a c`` and ``b c``."""
    if "(" not in phrase:
        yield phrase
        return
    parts = [part.split("|") for part in _CHOICE.split(phrase)]
    for chosen in product(*parts):
        yield " ".join("".join(chosen).split())
