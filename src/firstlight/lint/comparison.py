"""What comparing pages finds, as it is shown, and kept while no page changes."""

from __future__ import annotations

import marshal
import os
from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from firstlight.finding import Finding
from firstlight.lint.across import compare
from firstlight.lint.cache import Cache
from firstlight.lint.check_page import placed
from firstlight.lint.discover import ignored_by_git, repository_of
from firstlight.lint.ignores import Ignore, hide
from firstlight.lint.plan import Plan
from firstlight.lint.result import Found, pack, unpack
from firstlight.lint.sources import open_source
from firstlight.lint.stamps import inside, stamp
from firstlight.lint.work import Done, marks_of, pack_mark, unpack_mark

__all__ = ["Comparison", "comparison", "folders_of"]


class Comparison(NamedTuple):
    """Findings by page, the ignores that hid others, and the paths asked for."""

    found: dict[str, list[Found]]
    used: dict[str, set[Ignore]]
    asked: dict[str, bool]


def comparison(
    root: str,
    plan: Plan,
    cache: Cache,
    done: Mapping[str, Done],
    read: Callable[[str], bytes],
) -> Comparison:
    """Return what comparing pages gives.

    Args:
        root: The project's folder.
        plan: The rules.
        cache: What is known from last time.
        done: What is known of each page.
        read: Gives the bytes of a page as they are now.
    """
    if not plan.compares:
        return Comparison({}, {}, {})
    key = _key(root, done)
    if known := cache.across(key):
        asked, packed = known
        if all(_exists(root, path) == answer for path, answer in asked.items()):
            return Comparison(*_unpacked(packed), asked)
    asked = {}
    found = _compared(root, plan, done, asked)
    made = Comparison({}, {}, asked)
    for path, findings in found.items():
        left, used = hide(findings, marks_of(done[path].result))
        made.used[path] = used
        made.found[path] = placed(left, open_source(path, read(path)), plan)
    cache.put_across(key, asked, _packed(made))
    return made


def _compared(
    root: str, plan: Plan, done: Mapping[str, Done], asked: dict[str, bool]
) -> dict[str, list[Finding]]:
    """Compare the pages; once more where what they ask for is only not made yet."""
    listed: dict[str, frozenset[str] | None] = {}

    def exists(path: str) -> bool:
        if path not in asked:
            asked[path] = _may_exist(root, path, listed) and _exists(root, path)
        return asked[path]

    facts = {path: marshal.loads(each.facts) for path, each in done.items()}
    facts = {path: each for path, each in facts.items() if each is not None}
    found = compare(plan, facts, exists)
    made = _ignored(root, asked) if found else set()
    if not made:
        return found
    return compare(plan, facts, lambda path: path in made or exists(path))


def folders_of(root: str, paths: Iterable[str]) -> set[str]:
    """Return the folders whose change tells that one of these paths comes or goes.

    For each it is the nearest one above it that is there; together they are few.
    """
    nearest: dict[str, str] = {}
    for path in paths:
        folder = path.rpartition("/")[0]
        if folder not in nearest:
            above = folder
            while above and not _exists(root, above):
                above = above.rpartition("/")[0]
            nearest[folder] = above
    return set(nearest.values())


def _may_exist(root: str, path: str, listed: dict[str, frozenset[str] | None]) -> bool:
    """Whether the folder of a path lists its name: most that are asked for are not."""
    folder, _, name = path.rpartition("/")
    if folder not in listed:
        listed[folder] = _names(inside(root, folder))
    names = listed[folder]
    return names is None or name in names or name in ("", ".", "..")


def _names(folder: str) -> frozenset[str] | None:
    """The names in a folder, None for one that does not tell."""
    try:
        return frozenset(os.listdir(folder))  # noqa: PTH208
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return frozenset()
    except OSError:
        return None


def _exists(root: str, path: str) -> bool:
    try:
        return os.path.exists(inside(root, path))  # noqa: PTH110
    except ValueError:
        return False


def _ignored(root: str, asked: Mapping[str, bool]) -> set[str]:
    """The paths that are missing here, and that git ignores: something makes them."""
    folder = Path(root)
    if repository_of(folder) is None:
        return set()
    return ignored_by_git(folder, (path for path in asked if not asked[path]))


def _key(root: str, done: Mapping[str, Done]) -> bytes:
    """The digest of all pages; of their content, since findings show some of it."""
    digest = blake2b(repr(stamp(inside(root, ".gitignore"))).encode(), digest_size=16)
    for path in sorted(done):
        digest.update(path.encode(errors="surrogateescape") + b"\0")
        digest.update(done[path].content + b"\0")
    return digest.digest()


def _packed(made: Comparison) -> list[Any]:
    return [
        (
            path,
            [pack(each) for each in made.found[path]],
            [pack_mark(mark) for mark in sorted(made.used[path])],
        )
        for path in made.found
    ]


def _unpacked(packed: Any) -> tuple[dict[str, list[Found]], dict[str, set[Ignore]]]:
    return (
        {path: [unpack(each) for each in found] for path, found, _ in packed},
        {path: {unpack_mark(mark) for mark in marks} for path, _, marks in packed},
    )
