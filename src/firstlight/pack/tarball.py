"""A tar read once from front to back, by a reader that refuses what it does not know.

The standard library's reader is lenient: it guesses at damaged headers, holds headers
of any length in memory and skips what it cannot read. A package's tar is written by
one known program; a reader of the same width leaves nothing to guess.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from firstlight.errors import ArtefactError
from firstlight.pack.ar import damaged

__all__ = ["TarMember", "TarBody", "read_tar", "MOST_ID"]

MOST_ID = 0o7777777
"""The largest user or group that a plain header can hold; no package has more."""

_BLOCK = 512
_LONG = 1 << 20
_PADDING = 1 << 20
_MOST_ENTRIES = 1_000_000


class _Source(Protocol):
    def read(self, size: int) -> bytes:
        """Return exactly `size` bytes unless the source ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TarMember:
    """One header, with what long-name and PAX headers said merged in.

    `type` is tar's type flag (``0`` file, ``1`` hard link, ``2`` symlink, ``5``
    directory). `body` may be read until the next member is asked for.
    """

    name: str
    type: str
    mode: int
    uid: int
    gid: int
    size: int
    link: str
    pax: Mapping[str, bytes]
    body: TarBody


class TarBody(io.RawIOBase):
    """The content of one member, as it passes by."""

    def __init__(self, source: _Source, size: int, where: str) -> None:
        super().__init__()
        self._source = source
        self._left = size
        self._where = where
        self._passed = False

    def readable(self) -> bool:
        """Always: that is all it can do."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes; empty at the end of the member."""
        if self._passed and self._left:
            raise ArtefactError(f"{self._where}: its content has passed already")
        wanted = self._left if size < 0 else min(size, self._left)
        data = self._source.read(wanted)
        if len(data) < wanted:
            raise damaged(self._where, "its tar is cut short inside a file")
        self._left -= wanted
        return data

    def readinto(self, buffer: Any, /) -> int:
        """Fill a buffer as far as the content goes."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def skip(self) -> None:
        """Read over what nobody wanted, and refuse to be read from now on."""
        while self._left:
            self.read(1 << 20)
        self._passed = True


def read_tar(source: _Source, where: str) -> Iterator[TarMember]:
    """Yield the members of a tar in their order; afterwards the source is at its end.

    Raises:
        ArtefactError: when a header is damaged or of a kind no package has, the tar is
            cut short, or something other than zeros follows it.
    """
    for _ in range(_MOST_ENTRIES):
        pax: dict[str, bytes] = {}
        block, kind = _header(source, where, pax)
        if block is None:
            _check_padding(source, where)
            return
        member = _member(block, kind, pax, source, where)
        yield member
        member.body.skip()
        _pad(source, member.size, where)
    raise damaged(where, "its tar has too many entries")


def _header(
    source: _Source, where: str, pax: dict[str, bytes]
) -> tuple[bytes | None, str]:
    """Read up to the next real header, filling `pax` from those before it."""
    while True:
        block = source.read(_BLOCK)
        if len(block) < _BLOCK:
            raise damaged(where, "its tar is cut short")
        if not any(block):
            if pax:
                raise damaged(where, "its tar ends with a header for nothing")
            return None, ""
        _check_sum(block, where)
        kind = chr(block[156] or 48)
        if kind not in "LKx":
            return block, kind
        _read_extension(kind, _number(block[124:136], where), source, where, pax)


def _check_sum(block: bytes, where: str) -> None:
    if _number(block[148:156], where) != sum(block) - sum(block[148:156]) + 8 * 32:
        raise damaged(where, "a header of its tar has a wrong checksum")


def _number(field: bytes, where: str) -> int:
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    if not digits:
        return 0
    if any(digit not in b"01234567" for digit in digits):
        raise damaged(where, "a header of its tar holds a bad number")
    return int(digits, 8)


def _read_extension(
    kind: str, size: int, source: _Source, where: str, pax: dict[str, bytes]
) -> None:
    if size > _LONG:
        raise damaged(where, "a name or attribute in its tar is too long")
    data = source.read(size)
    if len(data) < size:
        raise damaged(where, "its tar is cut short")
    _pad(source, size, where)
    if kind == "x":
        found = _pax_records(data, where)
    else:
        found = {"path" if kind == "L" else "linkpath": data.removesuffix(b"\0")}
    if found.keys() & pax.keys():
        raise damaged(where, "a header of its tar names a file twice")
    pax.update(found)


def _pax_records(data: bytes, where: str) -> dict[str, bytes]:
    records: dict[str, bytes] = {}
    while data:
        digits = data.partition(b" ")[0]
        length = int(digits) if digits.isdigit() and len(digits) < 8 else 0
        record = data[len(digits) + 1 : length]
        key, equals, value = record.partition(b"=")
        if not equals or not value.endswith(b"\n") or length > len(data):
            raise damaged(where, "an attribute record of its tar is not plain")
        records[key.decode("utf-8", "replace")] = value[:-1]
        data = data[length:]
    return records


def _member(
    block: bytes, kind: str, pax: dict[str, bytes], source: _Source, where: str
) -> TarMember:
    size = _number(block[124:136], where)
    if "size" in pax:
        size = _decimal(pax["size"], where)
    if kind != "0" and size:
        raise damaged(where, "its tar gives a size to what is no file")
    if any(key.startswith("GNU.sparse") for key in pax):
        raise damaged(where, "its tar has a sparse file, which readers take apart")
    name = block[:100].partition(b"\0")[0]
    # GNU tar keeps other things than a prefix in these bytes.
    if block[257:263] == b"ustar\0":
        prefix = block[345:500].partition(b"\0")[0]
        name = prefix + b"/" + name if prefix else name
    link = pax.pop("linkpath", block[157:257].partition(b"\0")[0])
    return TarMember(
        name=_text(pax.pop("path", name), where),
        type=kind,
        mode=_number(block[100:108], where) & 0o7777,
        uid=_id(pax.get("uid"), block[108:116], where),
        gid=_id(pax.get("gid"), block[116:124], where),
        size=size,
        link=_text(link, where),
        pax=pax,
        body=TarBody(source, size, where),
    )


def _decimal(value: bytes, where: str) -> int:
    if not value.isdigit() or len(value) > 20:
        raise damaged(where, "an attribute record of its tar holds a bad number")
    return int(value)


def _id(value: bytes | None, field: bytes, where: str) -> int:
    number = _number(field, where) if value is None else _decimal(value, where)
    if number > MOST_ID:
        raise damaged(where, f"its tar gives a file to the unlikely user {number}")
    return number


def _text(name: bytes, where: str) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError as error:
        raise damaged(where, f"the name {name!r} in its tar is not UTF-8") from error


def _pad(source: _Source, size: int, where: str) -> None:
    padding = -size % _BLOCK
    if len(source.read(padding)) < padding:
        raise damaged(where, "its tar is cut short")


def _check_padding(source: _Source, where: str) -> None:
    """A second zero block and padding must follow, then the end, and nothing else."""
    if len(source.read(_BLOCK)) < _BLOCK:
        raise damaged(where, "its tar does not end as one")
    size = 0
    while data := source.read(_BLOCK * 20):
        size += len(data)
        if any(data) or size > _PADDING:
            raise damaged(where, "something follows the end of its tar")
