"""What a process does with a share of the pages; what it returns is small and plain."""

from __future__ import annotations

import marshal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, NamedTuple

from firstlight.errors import UsageError
from firstlight.finding import Finding, Role, Span
from firstlight.lint.check_page import Checked, check_source
from firstlight.lint.fixes import fix_source
from firstlight.lint.ignores import Ignore
from firstlight.lint.plan import Plan
from firstlight.lint.result import Found, found, pack, unpack
from firstlight.lint.sources import open_source
from firstlight.lint.stamps import Stamp, content, inside, is_settled, stamp
from firstlight.markdown.lines import Lines

__all__ = [
    "Done",
    "Task",
    "content_of",
    "marks_of",
    "pack_mark",
    "packed",
    "unpack_mark",
    "unpacked",
]

_CHANGING: Stamp = (0, 0, 0)


class Done(NamedTuple):
    """What became of one page, as `marshal` data where it is not plain.

    `before` and `after` are the bytes of a file that fixes change, both empty where
    none does; `made` counts the fixes of each rule; `whole` tells whether the facts
    have sections.
    """

    path: str
    stamp: Stamp
    content: bytes
    result: bytes
    facts: bytes
    before: bytes = b""
    after: bytes = b""
    made: Mapping[str, int] = {}
    whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """How pages are looked at: the same for each share of them.

    `root` is the project's folder; `fix` is empty, ``safe`` or ``all``; `sources` are
    the bytes of pages that are not read from their files; `shown` are the pages that
    may be fixed, `paired` those that may have a translation.
    """

    root: str
    plan: Plan
    fix: str = ""
    sources: Mapping[str, bytes] = field(default_factory=dict)
    shown: frozenset[str] = frozenset()
    paired: frozenset[str] = frozenset()

    def __call__(self, paths: Sequence[str]) -> bytes:
        """Look at pages, and return a `Done` of each as `marshal` data."""
        return marshal.dumps([tuple(self.one(path)) for path in paths])

    def one(self, path: str) -> Done:
        """Look at one page."""
        before, when = stamp(inside(self.root, path)), time.time_ns()
        try:
            data = self.read(path)
            return self._look(path, data, before, when)
        except OSError as error:
            reason = error.strerror or str(error)
        except UsageError as error:
            reason = error.message.removeprefix(f"{path}: ")
        except Exception as error:  # A page that we cannot parse is not the last one.
            reason = f"{type(error).__name__}: {error}"
        result = packed(Checked(_unreadable(path, reason), [], []))
        return Done(path, _CHANGING, b"", result, marshal.dumps(None))

    def read(self, path: str) -> bytes:
        """Return the bytes of a page.

        Raises:
            OSError: when it cannot be read.
        """
        if path in self.sources:
            return self.sources[path]
        return content(inside(self.root, path))

    def _look(self, path: str, data: bytes, before: Stamp | None, when: int) -> Done:
        settled = before if before and is_settled(before, when) else _CHANGING
        if self.fix and path in self.shown:
            return self.mended(path, data, settled)
        source = open_source(path, data)
        whole = path in self.paired
        checked = check_source(
            source, self.plan, with_facts=self.plan.compares, with_sections=whole
        )
        facts = marshal.dumps(checked.facts)
        content = content_of(data)
        return Done(path, settled, content, packed(checked), facts, whole=whole)

    def mended(
        self, path: str, data: bytes, found: Stamp, more: Sequence[Found] = ()
    ) -> Done:
        """Return a page with its fixes, and those of findings of other rules.

        Raises:
            UsageError: when it is a notebook that cannot be read.
        """
        fixed = fix_source(
            open_source(path, data),
            self.plan,
            unsafe=self.fix == "all",
            with_facts=self.plan.compares,
            more=more,
        )
        after = fixed.source.data
        is_changed = after != data
        return Done(
            path,
            _CHANGING if is_changed else found,
            content_of(after),
            packed(fixed.checked),
            marshal.dumps(fixed.checked.facts),
            data if is_changed else b"",
            after if is_changed else b"",
            dict(fixed.made),
        )


def content_of(data: bytes) -> bytes:
    """Return the digest by which equal pages are known."""
    return blake2b(data, digest_size=16).digest()


def packed(checked: Checked) -> bytes:
    """Return what was found in a page as bytes; `unpacked` is the way back."""
    return marshal.dumps(
        (
            [pack(each) for each in checked.found],
            [pack_mark(mark) for mark in checked.marks],
            [(pack_mark(mark), pack(note)) for mark, note in checked.idle],
        )
    )


def unpacked(result: bytes) -> Checked:
    """Return what was packed, without facts."""
    all_found, marks, idle = marshal.loads(result)
    return Checked(
        [unpack(each) for each in all_found],
        [unpack_mark(mark) for mark in marks],
        [(unpack_mark(mark), unpack(note)) for mark, note in idle],
    )


def marks_of(result: bytes) -> list[Ignore]:
    """Return the ignores of what was packed."""
    return [unpack_mark(mark) for mark in marshal.loads(result)[1]]


def pack_mark(mark: Ignore) -> tuple[Any, ...]:
    """Return an ignore as a tuple for `marshal`; `unpack_mark` is the way back."""
    return (*mark[:3], tuple(mark.comment))


def unpack_mark(packed_mark: tuple[Any, ...]) -> Ignore:
    """Return what was packed."""
    name, start, end, comment = packed_mark
    return Ignore(name, start, end, Span(*comment))


def _unreadable(path: str, reason: str) -> list[Found]:
    finding = Finding(
        code="lint.unreadable",
        role=Role.FAILURE,
        message=f"it cannot be read: {reason.rpartition(' cannot be read: ')[2]}",
        hint="mend it, or leave it out with exclude",
    )
    return [found(finding, path, Lines(b""))]
