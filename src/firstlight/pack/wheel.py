"""A wheel as an installer would leave it in a venv, without unpacking it.

Files that an installer only copies become ranges of the wheel itself: their compressed
bytes go into the layer as they are. What an installer writes (commands, RECORD) is made
here, the same for everybody.
"""

from __future__ import annotations

import posixpath
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.parser import Parser
from pathlib import Path

from packaging.utils import (
    InvalidWheelFilename,
    canonicalize_name,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from firstlight.errors import ArtefactError
from firstlight.pack.entry import Bytes, Entry, FileRange, check_path
from firstlight.pack.launcher import launcher, read_entry_points, retarget, wraps
from firstlight.pack.record import Row, read_record, row_of, write_record
from firstlight.pack.zip import (
    DEFLATED,
    STORED,
    Member,
    file_in_the_way,
    read_directory,
)
from firstlight.pack.zipcontent import chunks, peek, read

__all__ = ["wheel_entries", "INSTALLER"]

INSTALLER = b"firstlight\n"

_TEXT_LIMIT = 64 << 20
_SCRIPT_LIMIT = 16 << 20
_WHEEL_VERSION = 1
_SIGNATURES = ("RECORD.jws", "RECORD.p7s")


def wheel_entries(
    path: Path, *, filename: str, python: str, prefix: str = "opt/venv"
) -> list[Entry]:
    """Return the files that installing a wheel gives, without compiled bytecode.

    Payloads are read only where the result depends on them: scripts that name
    ``#!python``, and files that RECORD gives no usable hash for. Sizes and CRCs of the
    others are for who inflates them to check.

    Args:
        path: The wheel; it may have any name.
        filename: Its own name, ``torch-2.7.1-cp311-cp311-manylinux_2_28_x86_64.whl``.
        python: ``3.11``: the folder of site-packages and of headers.
        prefix: Where the venv is in the image, without a leading slash.

    Raises:
        ArtefactError: when the wheel is damaged, hostile, or not what it is called.
    """
    members = read_directory(path, filename=filename)
    wheel = _Wheel.open(path, filename, members)
    place = _Place.of(wheel, python, prefix)
    commands = wheel.commands(python)
    origins = _place_members(wheel, place, commands)
    files = {at: _entry(wheel, at, origin, place) for at, origin in origins.items()}
    made = _made(place, wheel, commands)
    files.update((entry.path, entry) for entry in made)
    record = _record(wheel, place, files, origins)
    files[record.path] = record
    _refuse_clashes(files, place, filename)
    return list(files.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wheel:
    """A wheel whose directory was read."""

    path: Path
    filename: str
    name: str
    info: str
    members: Mapping[str, Member]

    @classmethod
    def open(cls, path: Path, filename: str, members: Iterable[Member]) -> _Wheel:
        """Check that it is the wheel its file name says, in a version we know."""
        files = {member.name: member for member in members if not member.is_directory}
        wheel = cls(
            path=path,
            filename=filename,
            name=canonicalize_name(filename.partition("-")[0]),
            info=_info_folder(filename, files),
            members=files,
        )
        for needed in ("METADATA", "RECORD", "WHEEL"):
            if f"{wheel.info}/{needed}" not in files:
                raise wheel.refuse(f"{wheel.info}/{needed} is missing")
        _check_version(wheel)
        return wheel

    def refuse(self, why: str) -> ArtefactError:
        """An error about this wheel, to be raised."""
        return _refusal(self.filename, why)

    def text(self, name: str) -> str:
        """Read a small file of the ``.dist-info`` folder; empty when missing."""
        member = self.members.get(f"{self.info}/{name}")
        if member is None:
            return ""
        data = read(self.path, member, filename=self.filename, limit=_TEXT_LIMIT)
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise self.refuse(f"{member.name} is not UTF-8") from error

    def commands(self, python: str) -> dict[str, str]:
        """The entry points that become scripts."""
        text = self.text("entry_points.txt")
        return read_entry_points(text, python=python, filename=self.filename)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where the parts of one wheel go; pure and platform code share one folder."""

    prefix: str
    site: str
    info: str
    python: str
    schemes: Mapping[str, str]

    @classmethod
    def of(cls, wheel: _Wheel, python: str, prefix: str) -> _Place:
        """The folders of a venv for this wheel."""
        site = f"{prefix}/lib/python{python}/site-packages"
        schemes = {
            "purelib": site,
            "platlib": site,
            "headers": f"{prefix}/include/site/python{python}/{wheel.name}",
            "scripts": f"{prefix}/bin",
            "data": prefix,
        }
        return cls(
            prefix=prefix,
            site=site,
            info=f"{site}/{wheel.info}",
            python=python,
            schemes=schemes,
        )

    @property
    def interpreter(self) -> str:
        """What scripts start with."""
        return f"/{self.prefix}/bin/python"

    @property
    def reserved(self) -> frozenset[str]:
        """What makes the venv one; no wheel may replace it."""
        names = ("bin/python", "bin/python3", f"bin/python{self.python}")
        return frozenset(
            f"{self.prefix}/{name}" for name in (*names, "lib64", "pyvenv.cfg")
        )

    def target(self, wheel: _Wheel, name: str) -> str:
        """Return where a member goes."""
        if not _rank(name):
            return f"{self.site}/{name}"
        rest = name.partition("/")[2]
        scheme, _, below = rest.partition("/")
        if not below or scheme not in self.schemes:
            known = ", ".join(sorted(self.schemes))
            raise wheel.refuse(f"{name} is in none of the data folders {known}")
        path = f"{self.schemes[scheme]}/{below}"
        # lib64 is a link to lib; a folder of that name would take its place.
        through = f"{self.prefix}/lib64/"
        if path.startswith(through):
            path = f"{self.prefix}/lib/{path.removeprefix(through)}"
        return path


def _info_folder(filename: str, names: Iterable[str]) -> str:
    try:
        name, version, _, _ = parse_wheel_filename(filename)
    except (InvalidWheelFilename, InvalidVersion) as error:
        raise _refusal(
            filename, f"its file name is not one of a wheel: {error}"
        ) from error
    tops = {each.partition("/")[0] for each in names if "/" in each}
    folders = sorted(top for top in tops if top.endswith(".dist-info"))
    if len(folders) != 1:
        found = ", ".join(folders) or "none"
        raise _refusal(filename, f"it must have one .dist-info folder, and has {found}")
    stem = folders[0].removesuffix(".dist-info")
    given, _, given_version = stem.rpartition("-")
    if canonicalize_name(given) != name or not _is_version(given_version, version):
        raise _refusal(filename, f"it contains {stem}")
    return folders[0]


def _is_version(text: str, version: Version) -> bool:
    try:
        # Builds of one release are told apart by the file name alone, at times.
        return Version(text) in (version, Version(version.public))
    except InvalidVersion:
        return False


def _check_version(wheel: _Wheel) -> None:
    given = Parser().parsestr(wheel.text("WHEEL")).get("Wheel-Version", "")
    major = str(given).strip().partition(".")[0]
    if not major.isdecimal():
        raise wheel.refuse("its WHEEL file gives no Wheel-Version")
    if int(major) > _WHEEL_VERSION:
        raise ArtefactError(
            f"{wheel.filename}: it is a wheel of version {given.strip()}, "
            f"newer than {_WHEEL_VERSION}.x",
            hint="a newer firstlight may read it, or lock an older release of it",
        )


# Files


def _place_members(
    wheel: _Wheel, place: _Place, commands: dict[str, str]
) -> dict[str, Member]:
    """Where each member goes; of two for one path the last in pip's order stays."""
    result: dict[str, Member] = {}
    for member in sorted(wheel.members.values(), key=lambda each: _rank(each.name)):
        if _rank(member.name) == 2 and wraps(posixpath.basename(member.name), commands):
            continue
        result[place.target(wheel, member.name)] = member
    return result


def _rank(name: str) -> int:
    """0 for files of site-packages, 1 for other data folders, 2 for scripts."""
    if ".data/" not in name:
        return 0
    top, _, rest = name.partition("/")
    if not rest or not top.endswith(".data"):
        return 0
    return 2 if rest.startswith("scripts/") else 1


def _entry(wheel: _Wheel, path: str, member: Member, place: _Place) -> Entry:
    is_script = _rank(member.name) == 2
    mode = 0o755 if is_script or _is_executable(member.mode) else 0o644
    if is_script and _names_python(wheel, member):
        data = read(wheel.path, member, filename=wheel.filename, limit=_SCRIPT_LIMIT)
        return _made_file(path, retarget(data, place.interpreter), mode)
    if member.method not in (STORED, DEFLATED):
        data = read(wheel.path, member, filename=wheel.filename, limit=_TEXT_LIMIT)
        return _made_file(path, data, mode)
    if not member.size:
        return Entry(path=path, mode=mode)
    content = FileRange(
        path=wheel.path,
        offset=member.offset,
        length=member.packed,
        deflated=member.method == DEFLATED,
        crc=member.crc,
    )
    return Entry(path=path, mode=mode, size=member.size, content=content)


def _names_python(wheel: _Wheel, member: Member) -> bool:
    start = peek(wheel.path, member, 8, filename=wheel.filename)
    return start == b"#!python"


def _is_executable(mode: int) -> bool:
    return stat.S_ISREG(mode) and bool(mode & 0o111)


def _made(place: _Place, wheel: _Wheel, commands: Mapping[str, str]) -> Iterator[Entry]:
    for name, target in commands.items():
        path = check_path(f"{place.prefix}/bin/{name}", wheel.filename)
        yield _made_file(path, launcher(target, place.interpreter), 0o755)
    yield _made_file(f"{place.info}/INSTALLER", INSTALLER, 0o644)


def _made_file(path: str, data: bytes, mode: int) -> Entry:
    return Entry(path=path, mode=mode, size=len(data), content=Bytes(data))


# RECORD


def _record(
    wheel: _Wheel,
    place: _Place,
    files: Mapping[str, Entry],
    origins: Mapping[str, Member],
) -> Entry:
    known = read_record(wheel.text("RECORD").encode(), filename=wheel.filename)
    own = f"{place.info}/RECORD"
    unhashed = {own, *(f"{place.info}/{name}" for name in _SIGNATURES)}
    rows: dict[str, Row] = {}
    for path, entry in files.items():
        at = _from_site(path, place)
        rows[at] = (
            ("", "")
            if path in unhashed
            else _row(wheel, entry, origins.get(path), known)
        )
    rows[_from_site(own, place)] = ("", "")
    return _made_file(own, write_record(rows), 0o644)


def _row(
    wheel: _Wheel, entry: Entry, member: Member | None, known: Mapping[str, Row]
) -> Row:
    """The wheel's own row where it can be right; else the file is hashed."""
    if member is not None:
        row = known.get(member.name)
        is_copied = isinstance(entry.content, FileRange)
        if row is not None and is_copied and int(row[1]) == entry.size:
            return row
        if is_copied:
            return row_of(chunks(wheel.path, member, filename=wheel.filename))
    return row_of([entry.content.data] if isinstance(entry.content, Bytes) else [])


def _from_site(path: str, place: _Place) -> str:
    inside = f"{place.site}/"
    if path.startswith(inside):
        return path.removeprefix(inside)
    return posixpath.relpath(path, place.site)


def _refuse_clashes(files: Iterable[str], place: _Place, filename: str) -> None:
    blocked = file_in_the_way({*files, *place.reserved})
    if blocked is not None:
        raise _refusal(
            filename, f"it installs {blocked} both as a file and as a folder"
        )
    for path in sorted(place.reserved.intersection(files)):
        raise _refusal(filename, f"it would replace {path} of the environment")


def _refusal(filename: str, why: str) -> ArtefactError:
    return ArtefactError(
        f"{filename}: not a wheel that can be installed: {why}",
        hint="fetch it again; when that does not help, report it to its publisher",
    )
