"""``/etc/passwd`` and its three companions: Debian's tables, system users, and `user`.

Numbers never depend on what else is installed: a volume written by one image must
belong to the same user in the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from firstlight.errors import ArtefactError
from firstlight.pack.dpkg import file_entry
from firstlight.pack.entry import Entry
from firstlight.pack.remedies import Group, User
from firstlight.pack.tree import Tree

__all__ = ["account_entries", "USER"]

USER = User("user", 1000, gid=1000, home="/home/user", shell="/bin/bash")
"""Who works in the image; engines map the person at the keyboard to it."""

_MASTER = "usr/share/base-passwd"
_SHADOW_GROUP = 42
_FIRST_FREE = 300
_NO_LOGIN = "/usr/sbin/nologin"


def account_entries(
    tree: Tree, users: Sequence[User], groups: Sequence[Group]
) -> Iterator[Entry]:
    """Yield passwd, group, shadow and gshadow.

    No account has a password, so none can log in with one; times of last change are
    left out, since they would be the time of building.
    """
    passwd = _table(tree, "passwd.master", 7)
    group = _table(tree, "group.master", 4)
    more_users, more_groups = _from_sysusers(tree, passwd, group)
    for one in [*groups, *more_groups, Group(USER.name, USER.gid)]:
        group.setdefault(one.name, [one.name, "x", str(one.gid), ""])
    for user in [*users, *more_users, USER]:
        passwd.setdefault(user.name, _passwd_row(user))
    for row in [*passwd.values(), *group.values()]:
        row[1] = "x"
    shadow = "".join(f"{name}:*::0:99999:7:::\n" for name in passwd)
    gshadow = "".join(f"{row[0]}:*::{row[3]}\n" for row in group.values())
    yield file_entry("etc/passwd", _lines(passwd))
    yield file_entry("etc/group", _lines(group))
    for path, text in (("etc/shadow", shadow), ("etc/gshadow", gshadow)):
        data = file_entry(path, text, 0o640)
        yield Entry(
            path=path,
            mode=0o640,
            size=data.size,
            content=data.content,
            gid=_SHADOW_GROUP,
        )


def _table(tree: Tree, name: str, width: int) -> dict[str, list[str]]:
    text = tree.text(f"{_MASTER}/{name}").decode("utf-8", "replace")
    rows = [line.split(":") for line in text.splitlines() if line.strip()]
    if not rows or any(len(row) != width for row in rows):
        raise ArtefactError(
            f"base-passwd has no usable {name}: nobody would own the image's files",
            hint="every system needs the package base-passwd",
        )
    return {row[0]: row for row in rows}


def _lines(table: dict[str, list[str]]) -> str:
    return "".join(":".join(row) + "\n" for row in table.values())


def _passwd_row(user: User) -> list[str]:
    numbers = [str(user.uid), str(user.gid)]
    return [user.name, "x", *numbers, user.comment, user.home, user.shell]


def _from_sysusers(
    tree: Tree, passwd: dict[str, list[str]], group: dict[str, list[str]]
) -> tuple[list[User], list[Group]]:
    """Users that packages declare for systemd and nobody else gave a number.

    The number comes from the name, so that it is the same in every image; two names
    that meet move on to the next free one.
    """
    users: list[User] = []
    groups: list[Group] = []
    taken = {int(row[2]) for row in [*passwd.values(), *group.values()]}
    for kind, name, number, home in sorted(_declared(tree)):
        if name in passwd or (kind == "g" and name in group):
            continue
        gid = _number(name, number, taken)
        taken.add(gid)
        groups.append(Group(name, gid))
        if kind.startswith("u"):
            users.append(User(name, gid, gid=gid, home=home, shell=_NO_LOGIN))
    return users, groups


def _declared(tree: Tree) -> Iterator[tuple[str, str, str, str]]:
    for path, data in tree.texts.items():
        if not path.startswith("usr/lib/sysusers.d/") or not path.endswith(".conf"):
            continue
        for line in data.decode("utf-8", "replace").splitlines():
            words = _words(line)
            if len(words) >= 2 and words[0] in ("u", "u!", "g") and _is_name(words[1]):
                rest = [*words[2:], "-", "-", "-"]
                home = rest[2] if rest[2].startswith("/") else "/"
                yield words[0], words[1], rest[0], home


def _words(line: str) -> list[str]:
    """Words of a line, of which the fourth may be quoted."""
    before, quote, after = line.partition('"')
    if before.lstrip().startswith("#"):
        return []
    if not quote:
        return before.split()
    comment, _, rest = after.partition('"')
    return [*before.split(), comment or "-", *rest.split()]


def _is_name(name: str) -> bool:
    return name.isascii() and name.replace("-", "").replace("_", "").isalnum()


def _number(name: str, asked: str, taken: set[int]) -> int:
    if asked.isdigit() and int(asked) not in taken and 0 < int(asked) < 1000:
        return int(asked)
    number = _FIRST_FREE + sum(name.encode()) * 7 % 600
    while number in taken:
        number += 1
    return number
