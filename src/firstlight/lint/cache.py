"""What was found in pages that have not changed since.

One file for each project, and none of it is trusted: it belongs to one plan of rules
and settings, each page in it to one content, and a damaged file is no cache at all.
"""

from __future__ import annotations

import marshal
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

from firstlight.lint.stamps import Stamp, read, write

__all__ = ["Cache", "Entry"]


class Entry(NamedTuple):
    """What is known of one page.

    `stamp` is that of the file, or zeros when it changed too lately to tell changes
    apart; `content` the digest of its bytes; `result` and `facts` are `marshal` data,
    and `whole` tells whether the facts have sections.
    """

    stamp: Stamp
    content: bytes
    result: bytes
    facts: bytes
    whole: bool = True


class Cache:
    """The pages of one project, as found by one plan.

    Args:
        file: Where it is kept; None keeps nothing.
        key: The digest of the plan.
    """

    def __init__(self, file: Path | None, key: str) -> None:
        self._file = file
        self._key = key
        self._pages: dict[str, tuple[Any, ...]] = {}
        self._across: tuple[Any, ...] | None = None
        self._changed = False
        found = read(file) if file else None
        if found and found[0] == key:
            _, self._pages, self._across = found

    def get(self, path: str) -> Entry | None:
        """Return what is known of a page, whether or not it still holds."""
        found = self._pages.get(path)
        return Entry(*found) if found else None

    def put(self, path: str, entry: Entry) -> None:
        """Note what was found in a page."""
        if self._pages.get(path) != entry:
            self._pages[path] = tuple(entry)
            self._changed = True

    def across(self, key: bytes) -> tuple[dict[str, bool], Any] | None:
        """Return which paths were asked for, with the answers, and what was found."""
        if self._across and self._across[0] == key:
            return self._across[1], marshal.loads(self._across[2])
        return None

    def put_across(self, key: bytes, asked: dict[str, bool], found: Any) -> None:
        """Note what a comparison of all pages gave."""
        self._across = (key, asked, marshal.dumps(found))
        self._changed = True

    def save(self, paths: Collection[str]) -> None:
        """Write it; pages other than these are forgotten."""
        if self._file and self._changed:
            pages = {path: e for path, e in self._pages.items() if path in paths}
            write(self._file, (self._key, pages, self._across))
