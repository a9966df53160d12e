"""How hard English is to read: words, syllables, and the grade of Flesch and Kincaid.

The syllables of a word are counted by rules on its letters, which stand here in one
table; no list of words is asked but a short one of exceptions.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

__all__ = ["grade", "spoken_in", "syllables", "words"]

_APOSTROPHE = "’".encode()
_KEPT = frozenset(b"abcdefghijklmnopqrstuvwxyz'-")
_TO_WORDS = bytes(byte if byte in _KEPT else 0x20 for byte in bytes(range(256)).lower())
_URL = re.compile(rb"\b(?:https?|ftp|ssh|file)://\S+|\bwww\.\S+", re.IGNORECASE)

_GROUPS = re.compile(r"[aeiouy]+")
_MORE = re.compile(
    r"ia(?<![ctgs]ia)|ii|iu|io(?<![tscxgl]io)(?<!nio)|eo(?!u|ple)|ua(?<![qg]ua)"
    r"|uo(?<!quo)|(?<![qg])uing\b|\bcrea|\breac|(?<=[a-z])ea\b"
    r"|(?<=[^aeiou])ying\b|[aeo]ing\b|(?<=[aeiou])y(?=[aeiou])(?!e[ds]\b)"
    r"|(?<=[a-z][a-z])ie[rt]|ien[ct](?<![tcf]ien[ct])|scien|[ts]hm\b|sm\b"
    r"|[^aeiouy]n't\b"
)
"""Where two vowels side by side are two syllables, or none is written."""
_LESS = re.compile(
    r"(?<=[aeiouy])[^aeiouy]+(?<![^aeiouyrl]l)"
    r"(?:e\b|(?<![td])ed\b|(?<![sxzcg])(?<![cs]h)es\b)"
    r"|[^aeiouy]e(?:ly|ful|less|ness)\b|[^aeiouyl]ements?\b"
    r"|\b(?:some|there|where|base|name|file|time|home|life|safe|code|type|note|space)"
    r"(?=[^aeiouy'-][a-z]*[aeiouy])"
)
"""Where an e is silent: at the end, before an ending, and inside joined words."""
_EXCEPTIONS = {
    "associate": 4,
    "business": 2,
    "cooperate": 4,
    "coordinate": 4,
    "coefficient": 4,
    "naive": 2,
    "people": 2,
    "preempt": 2,
    "reuse": 2,
    "safety": 2,
    "yaml": 2,
}


def words(prose: bytes) -> list[bytes]:
    """Return the words of a text in lower case; numbers and addresses are none.

    >>> words(b"It's a well-known port: 8888.")
    [b"it's", b'a', b'well-known', b'port']
    """
    if b"://" in prose or b"www." in prose:
        prose = _URL.sub(b" ", prose)
    if _APOSTROPHE in prose:
        prose = prose.replace(_APOSTROPHE, b"'")
    found = prose.translate(_TO_WORDS).split()
    if b"'" in prose or b"-" in prose:
        return [word for word in found if word.strip(b"'-")]
    return found


def spoken_in(found: Iterable[bytes]) -> int:
    """Return the syllables of all words."""
    return sum(number * syllables(word) for word, number in Counter(found).items())


@lru_cache(maxsize=1 << 16)
def syllables(word: bytes) -> int:
    """Return the syllables of a word in lower case.

    A word without a vowel is spelled, each letter a syllable; the parts of a word with
    hyphens count by themselves.

    >>> syllables(b"installation"), syllables(b"ssh"), syllables(b"re-run")
    (4, 3, 2)
    """
    text = word.decode("ascii").strip("'-")
    return sum(_syllables(piece) for piece in text.split("-") if piece)


def _syllables(word: str) -> int:
    known = _EXCEPTIONS.get(word)
    if known:
        return known
    groups = len(_GROUPS.findall(word))
    if not groups:
        return sum(map(str.isalpha, word))
    more, less = len(_MORE.findall(word)), len(_LESS.findall(word))
    return max(1, groups + more - less)


def grade(sentences: float, number: float, spoken: float) -> float:
    """Return the school grade of Flesch and Kincaid (1975) for a text.

    >>> round(grade(sentences=1, number=10, spoken=15), 2)
    6.01
    """
    return 0.39 * number / sentences + 11.8 * spoken / number - 15.59
