"""How hard Chinese is to read, by what stands on its surface; never as a grade.

There is no proven formula for native readers, so four things that tire them are
measured: long sentences, clauses chained by commas, chains of 的, and Latin words.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from firstlight.markdown.sentences import split

__all__ = ["Surface", "han", "surface"]

_CHAIN = 3
"""So many 的 in one clause are a chain."""
_DE, _COMMA = "的".encode(), "，".encode()
_CLAUSES = re.compile("，|。|；|：|！|？|、|（|）|[,;:!?()]".encode())
_HAN = bytes(range(0xE4, 0xEA))
_TO_WORDS = bytes(
    byte if chr(byte).isascii() and chr(byte).isalpha() else 0x20 for byte in range(256)
)


class Surface(NamedTuple):
    """What was counted in a text, or in several: each field is a sum.

    `characters` are Chinese ones, `chained` the sentences with a chain of 的, `latin`
    the words in Latin letters.
    """

    sentences: int = 0
    characters: int = 0
    commas: int = 0
    chained: int = 0
    latin: int = 0


def surface(prose: bytes) -> Surface:
    """Return what is counted in one paragraph.

    >>> surface("运行命令，等待。打开的页面的右边的按钮。".encode())
    Surface(sentences=2, characters=17, commas=1, chained=1, latin=0)
    """
    pieces = [prose[start:end] for start, end in split(prose)]
    return Surface(
        sentences=len(pieces),
        characters=han(prose),
        commas=prose.count(_COMMA),
        chained=sum(map(_is_chained, pieces)) if prose.count(_DE) >= _CHAIN else 0,
        latin=len(prose.translate(_TO_WORDS).split()),
    )


def han(prose: bytes) -> int:
    """Return the number of Chinese characters."""
    return len(prose) - len(prose.translate(None, _HAN))


def _is_chained(sentence: bytes) -> bool:
    if sentence.count(_DE) < _CHAIN:
        return False
    return any(part.count(_DE) >= _CHAIN for part in _CLAUSES.split(sentence))
