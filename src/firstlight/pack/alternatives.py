"""Generic names (``cc``, ``awk``, ``editor``): the links, and the state dpkg keeps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from firstlight.pack.deb import in_usr
from firstlight.pack.dpkg import file_entry
from firstlight.pack.entry import Entry, Kind
from firstlight.pack.remedies import Alternative
from firstlight.pack.tree import Tree

__all__ = ["alternative_entries", "link_entry"]

_FOLDER = "etc/alternatives"
_STATE = "var/lib/dpkg/alternatives"


def link_entry(path: str, target: str) -> Entry:
    """Return an entry for a symbolic link."""
    return Entry(path=path, kind=Kind.SYMLINK, mode=0o777, link=target)


def alternative_entries(
    choices: Iterable[Alternative], tree: Tree, *, state: bool
) -> Iterator[Entry]:
    """Yield links to the best choice of each name, of equals the first.

    Choices whose program is not there, and names some package occupies with a file of
    its own, are left out.

    Args:
        state: Also write what ``update-alternatives`` remembers.
    """
    groups: dict[str, dict[str, Alternative]] = {}
    for choice in choices:
        if tree.exists(choice.path):
            groups.setdefault(choice.name, {}).setdefault(choice.path, choice)
    for name in sorted(groups):
        group = list(groups[name].values())
        best = max(group, key=lambda choice: choice.priority)
        if in_usr(best.link.strip("/")) in tree:
            continue
        yield from _links(best, tree)
        if state:
            yield file_entry(f"{_STATE}/{name}", _remembered(group))


def _links(best: Alternative, tree: Tree) -> Iterator[Entry]:
    for link, name, path in [(best.link, best.name, best.path), *best.slaves]:
        where = in_usr(link.strip("/"))
        if tree.exists(path) and where not in tree:
            yield link_entry(where, f"/{_FOLDER}/{name}")
            yield link_entry(f"{_FOLDER}/{name}", path)


def _remembered(group: list[Alternative]) -> str:
    """The state file: mode, link, slaves, and every choice with its slaves in order."""
    slaves = {name: link for choice in group for link, name, _ in choice.slaves}
    lines = ["auto", group[0].link]
    for name in sorted(slaves):
        lines += [name, slaves[name]]
    lines.append("")
    for choice in sorted(group, key=lambda choice: choice.path):
        paths = {name: path for _, name, path in choice.slaves}
        lines += [choice.path, str(choice.priority)]
        lines += [paths.get(name, "") for name in sorted(slaves)]
    return "\n".join([*lines, "", ""])
