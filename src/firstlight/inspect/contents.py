"""The packages that are in a layer, found by what installers leave behind.

Python packages leave a ``.dist-info`` folder, OS packages of Debian's kind an entry in
``/var/lib/dpkg/status`` or a file in ``status.d``; both leave their licences.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from firstlight.attest.licences import of_copyright, of_metadata
from firstlight.inspect.blob import Reading, members, path_of

__all__ = ["Contents", "Package", "contents"]

_MOST_STATUS = 64 << 20
_MOST_TEXT = 1 << 20
_FIELD = re.compile(r"(?m)^(Package|Version|Status):[ \t]*(.*?)[ \t]*$")

_SITE = re.compile(
    r"(?:.*/)?(?:site|dist)-packages/(?P<hidden>\.wh\.)?(?P<stem>[^/]+)\.dist-info"
    r"(?P<rest>/METADATA)?"
)
_STATUS = "var/lib/dpkg/status"
_COPYRIGHT = re.compile(r"usr/share/doc/([a-z0-9][a-z0-9+.-]*)/copyright")
_STARTS = (_STATUS, "usr/share/doc/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package in an image; `kind` is ``python`` or ``system``.

    `licence` is what `firstlight.attest.licences` reads, empty where nothing was read.
    """

    kind: str
    name: str
    version: str
    licence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a layer holds: bytes of its tar, how many files, and packages.

    `python` are the packages whose ``.dist-info`` is here, `gone` the names of those
    whose ``.dist-info`` is removed from layers below; `system` are all OS packages
    after this layer, None where it does not say; `parts` are OS packages that it adds,
    each with a file of its own (``status.d``); `licences` are those of OS packages by
    name, whose texts are here.
    """

    size: int
    files: int
    python: tuple[Package, ...] = ()
    gone: tuple[str, ...] = ()
    system: tuple[Package, ...] | None = None
    parts: tuple[Package, ...] = ()
    licences: tuple[tuple[str, str], ...] = ()


def contents(layer: Reading) -> Contents:
    """Return what a layer holds, reading it to its end."""
    found = _Found()
    count = 0
    for member, read in members(layer):
        count += 1
        found.look(path_of(member), member, read)
    layer.drain()
    return Contents(
        size=layer.size,
        files=count,
        python=_sorted(found.python),
        gone=tuple(sorted(found.gone)),
        system=None if found.system is None else _sorted(found.system),
        parts=_sorted(found.parts),
        licences=tuple(sorted(found.licences.items())),
    )


# Packages


class _Found:
    """The packages that were seen so far in one layer."""

    def __init__(self) -> None:
        self.python: list[Package] = []
        self.gone: list[str] = []
        self.system: list[Package] | None = None
        self.parts: list[Package] = []
        self.licences: dict[str, str] = {}

    def look(
        self, path: str, member: tarfile.TarInfo, read: Callable[[int], bytes]
    ) -> None:
        """Look whether a file tells of a package, and read it if so."""
        if not member.isreg() or not path.startswith(_STARTS):
            is_metadata = member.isreg() and path.endswith(".dist-info/METADATA")
            if is_metadata or "/.wh." in path:
                self._python(path, read)
        elif path == _STATUS:
            self.system = list(_installed(_text(read, _MOST_STATUS)))
        elif _is_part(path):
            self.parts += _installed(_text(read, _MOST_TEXT))
        elif match := _COPYRIGHT.fullmatch(path):
            licence = of_copyright(match[1], _text(read, _MOST_TEXT))
            self.licences[match[1]] = licence.expression

    def _python(self, path: str, read: Callable[[int], bytes]) -> None:
        match = _SITE.fullmatch(path)
        if match and match["hidden"]:
            self.gone.append(_split(match["stem"])[0])
        elif match and match["rest"]:
            name, version = _split(match["stem"])
            licence = of_metadata(_bytes(read, _MOST_TEXT)).expression
            self.python.append(
                Package(kind="python", name=name, version=version, licence=licence)
            )


def _sorted(packages: list[Package]) -> tuple[Package, ...]:
    return tuple(sorted(packages, key=lambda each: (each.name, each.version)))


def _split(stem: str) -> tuple[str, str]:
    """Name and version of a ``.dist-info`` folder, the name in its normal form."""
    name, _, version = stem.partition("-")
    return re.sub(r"[-_.]+", "-", name).lower(), version


def _is_part(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    return folder == f"{_STATUS}.d" and not name.endswith(".md5sums")


def _bytes(read: Callable[[int], bytes], most: int) -> bytes:
    data = b""
    while len(data) < most and (piece := read(most - len(data))):
        data += piece
    return data


def _text(read: Callable[[int], bytes], most: int) -> str:
    return _bytes(read, most).decode("utf-8", "replace")


def _installed(text: str) -> Iterator[Package]:
    """Each paragraph of dpkg's that is of an installed package."""
    for paragraph in re.split(r"\n[ \t]*\n", text):
        fields = dict(_FIELD.findall(paragraph))
        state = fields.get("Status", "install ok installed").split()
        if state[-1:] == ["installed"] and {"Package", "Version"} <= fields.keys():
            yield Package(
                kind="system", name=fields["Package"], version=fields["Version"]
            )
