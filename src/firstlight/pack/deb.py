"""A ``.deb`` as values: its control files, and its files where they belong today.

Packages of older suites still put files in ``/bin`` or ``/lib``, which are links into
``/usr`` in every image. A layer with a *folder* ``lib`` would replace that link, so
such paths are rewritten; everything else stays as the package has it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from firstlight.errors import ArtefactError
from firstlight.pack.ar import Inflated, Member, damaged, read_members
from firstlight.pack.entry import Entry, Kind, Stream, check_path
from firstlight.pack.tarball import TarMember, read_tar

__all__ = [
    "Control",
    "read_control",
    "deb_entries",
    "placed_entries",
    "parse_fields",
    "MERGED",
    "in_usr",
]

MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "libo32")
"""The top-level folders that are links into ``usr``."""

SCRIPTS = ("preinst", "postinst", "prerm", "postrm", "config")
"""The maintainer scripts a package may have; ``config`` belongs to debconf."""

_SUFFIXES = ("", ".gz", ".xz", ".zst")
_MOST_CONTROL = 64 << 20
_KINDS = {
    "0": Kind.FILE,
    "1": Kind.HARDLINK,
    "2": Kind.SYMLINK,
    "5": Kind.DIRECTORY,
}
_CAPABILITY = "SCHILY.xattr.security.capability"


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """What a package says about itself.

    `text` is the control paragraph as it stands, `fields` its fields by name as
    written, `files` every control file by name (``postinst``, ``md5sums``, …) with its
    bytes, and `executable` those of them that may be run.
    """

    filename: str
    text: str
    fields: Mapping[str, str]
    files: Mapping[str, bytes]
    executable: frozenset[str]

    @property
    def name(self) -> str:
        """The package's name."""
        return self.fields["Package"]

    @property
    def version(self) -> str:
        """The package's version."""
        return self.fields["Version"]

    @property
    def architecture(self) -> str:
        """The package's architecture, ``all`` for those that fit any."""
        return self.fields["Architecture"]

    @property
    def conffiles(self) -> tuple[str, ...]:
        """The absolute paths of its configuration files, in the package's order."""
        lines = self.lines("conffiles")
        return tuple(line for line in lines if line.startswith("/"))

    @property
    def scripts(self) -> Mapping[str, str]:
        """Its maintainer scripts by name."""
        return {
            name: self.files[name].decode("utf-8", "replace")
            for name in SCRIPTS
            if name in self.files
        }

    def lines(self, name: str) -> tuple[str, ...]:
        """The lines of one control file that are not empty; none when it is absent."""
        text = self.files.get(name, b"").decode("utf-8", "surrogateescape")
        return tuple(line.strip() for line in text.splitlines() if line.strip())


def in_usr(path: str) -> str:
    """Return where a path lies in a system whose ``/bin``, ``/lib`` … are links.

    >>> in_usr("lib/x86_64-linux-gnu/libc.so.6")
    'usr/lib/x86_64-linux-gnu/libc.so.6'
    """
    return f"usr/{path}" if path.partition("/")[0] in MERGED else path


def read_control(path: Path, *, filename: str) -> Control:
    """Read the control files of a package; none of its data is touched.

    Args:
        filename: The name to use in errors; `path` may be a digest in the store.

    Raises:
        ArtefactError: when the file is no sound ``.deb``.
    """
    member = _members(path, filename)["control"]
    files: dict[str, bytes] = {}
    executable = set()
    size = 0
    with Inflated(path, member, filename) as source:
        for item in read_tar(source, filename):
            if item.type == "5":
                continue
            name = check_path(item.name, filename)
            size += item.size
            if item.type != "0" or "/" in name or name in files:
                raise damaged(filename, f"its control file {name} is not plain")
            if size > _MOST_CONTROL:
                raise damaged(filename, "its control files are too large")
            files[name] = item.body.read()
            if item.mode & 0o111:
                executable.add(name)
    return _control(filename, files, frozenset(executable))


def deb_entries(path: Path, *, filename: str) -> Iterator[Entry]:
    """Yield what a package installs, in the package's order, as it streams past.

    Contents are `Stream`: read one before asking for the next entry. Owners, modes
    (setuid too) and file capabilities are the package's own; other attributes and all
    times are left out. May be called again and again.

    Raises:
        ArtefactError: when the file is no sound ``.deb``, or installs what an image
            must not have: device nodes, paths out of the root, files through links.
    """
    for _, entry in placed_entries(path, filename=filename):
        if entry is not None:
            yield entry


def placed_entries(path: Path, *, filename: str) -> Iterator[tuple[str, Entry | None]]:
    """Yield each name as the package has it, with its entry if it needs one.

    dpkg keeps the names as they were, so its database needs both.
    """
    member = _members(path, filename)["data"]
    layout = _Layout(filename)
    with Inflated(path, member, filename) as source:
        for item in read_tar(source, filename):
            yield item.name, layout.place(item)


def parse_fields(text: str, filename: str) -> dict[str, str]:
    """Return the fields of one control paragraph; continued lines keep their breaks.

    Raises:
        ArtefactError: when the text is no single paragraph.
    """
    fields: dict[str, str] = {}
    name = ""
    for line in text.rstrip("\n").split("\n"):
        if line.startswith((" ", "\t")) and name:
            fields[name] += "\n" + line
            continue
        name, colon, value = line.partition(":")
        if not colon or not name or name in fields or name != name.strip():
            raise damaged(filename, f"its control file has the line {line[:80]!r}")
        fields[name] = value.strip()
    return fields


def _members(path: Path, filename: str) -> dict[str, Member]:
    """The two members that matter, as ``control`` and ``data``."""
    with path.open("rb") as file:
        members = read_members(file, filename)
        # Members that begin with _ are signatures and the like, by deb(5).
        plain = [each for each in members if not each.name.startswith("_")]
        if not members or members[0].name != "debian-binary" or len(plain) != 3:
            raise damaged(
                filename, f"its members are {', '.join(each.name for each in members)}"
            )
        file.seek(members[0].offset)
        if not file.read(min(members[0].size, 64)).startswith(b"2."):
            raise damaged(filename, "its format is not 2")
    found = {"control": plain[1], "data": plain[2]}
    for stem, member in found.items():
        if member.name not in [f"{stem}.tar{suffix}" for suffix in _SUFFIXES]:
            raise damaged(filename, f"its member {member.name} is of no known kind")
    return found


def _control(
    filename: str, files: dict[str, bytes], executable: frozenset[str]
) -> Control:
    if "control" not in files:
        raise damaged(filename, "it has no control file")
    try:
        text = files["control"].decode()
    except UnicodeDecodeError as error:
        raise damaged(filename, "its control file is not UTF-8") from error
    fields = parse_fields(text, filename)
    for field in ("Package", "Version", "Architecture"):
        value = fields.get(field, "")
        if not value or not value.isascii() or not _is_word(value):
            raise damaged(filename, f"its field {field} is {value!r}")
    return Control(
        filename=filename,
        text=text.rstrip("\n") + "\n",
        fields=fields,
        files=files,
        executable=executable,
    )


def _is_word(value: str) -> bool:
    """Whether a value may become part of a file name and of a line."""
    plain = all(char.isalnum() or char in "+-.:~_" for char in value)
    return plain and not value.startswith(".")


class _Layout:
    """Where the members of one package go, remembering what is there already."""

    def __init__(self, filename: str) -> None:
        self._filename = filename
        self._kinds: dict[str, Kind] = {}
        self._implied: set[str] = set()

    def place(self, item: TarMember) -> Entry | None:
        """Return the member as an entry, or None when the image has it anyway."""
        if item.name in (".", "./") and item.type == "5":
            return None
        original = check_path(item.name, self._filename)
        kind = self._kind(item, original)
        path = in_usr(original)
        if kind is Kind.SYMLINK and original in MERGED:
            self._check_top(original, item.link)
            return None
        if original in MERGED and kind is not Kind.DIRECTORY:
            raise self._refusal(original, "every image has a link there")
        link = self._link(item, kind, original)
        if kind is Kind.SYMLINK and _points_at_itself(path, link):
            return None
        # /lib was rewritten and is there again as /usr/lib: folders may meet.
        if self._kinds.get(path) is kind is Kind.DIRECTORY:
            if path not in self._implied:
                return None
            self._implied.remove(path)
        else:
            self._claim(path, kind)
        return Entry(
            path=path,
            kind=kind,
            mode=0o777 if kind is Kind.SYMLINK else item.mode,
            size=item.size,
            content=Stream(lambda: cast(BinaryIO, item.body)),
            link=link,
            uid=item.uid,
            gid=item.gid,
            xattrs=_capabilities(item),
        )

    def _kind(self, item: TarMember, path: str) -> Kind:
        kind = _KINDS.get(item.type)
        if kind is None:
            raise self._refusal(path, "it is a device, a pipe or of an unknown kind")
        if item.name.endswith("/") and kind is not Kind.DIRECTORY:
            raise self._refusal(path, "it is named like a folder")
        return kind

    def _link(self, item: TarMember, kind: Kind, original: str) -> str:
        if kind is Kind.SYMLINK:
            if not item.link or "\0" in item.link:
                raise self._refusal(original, "it is a link to nothing")
            return _moved_link(original, item.link)
        if kind is not Kind.HARDLINK:
            return ""
        target = in_usr(check_path(item.link, self._filename))
        if self._kinds.get(target) not in (Kind.FILE, Kind.HARDLINK):
            raise self._refusal(
                original, f"it is a hard link to {target}, no file here"
            )
        return target

    def _check_top(self, original: str, link: str) -> None:
        """The image has these links anyway; one that points elsewhere is no mistake."""
        if posixpath.normpath(link).lstrip("/") != f"usr/{original}":
            raise self._refusal(original, f"it points to {link}")

    def _claim(self, path: str, kind: Kind) -> None:
        if path in self._kinds:
            raise self._refusal(path, "it comes twice")
        parent = posixpath.dirname(path)
        while parent and parent not in self._kinds:
            self._kinds[parent] = Kind.DIRECTORY
            self._implied.add(parent)
            parent = posixpath.dirname(parent)
        if parent and self._kinds[parent] is not Kind.DIRECTORY:
            raise self._refusal(path, f"{parent} above it is no folder")
        self._kinds[path] = kind

    def _refusal(self, path: str, why: str) -> ArtefactError:
        return ArtefactError(
            f"{self._filename}: refuses to install {path}: {why}",
            hint="this package is not safe to install; report it to its publisher",
        )


def _moved_link(original: str, link: str) -> str:
    """The link's text, corrected where moving the link into ``usr`` would bend it.

    >>> _moved_link("lib/x", "../usr/share/x"), _moved_link("lib/x", "y")
    ('../share/x', 'y')
    """
    path = in_usr(original)
    if path == original or link.startswith("/"):
        return link
    folder = posixpath.dirname(path)
    meant = posixpath.normpath(posixpath.join("/", posixpath.dirname(original), link))
    means = posixpath.normpath(posixpath.join("/", folder, link))
    target = in_usr(meant.lstrip("/"))
    if in_usr(means.lstrip("/")) == target:
        return link
    return posixpath.relpath(f"/{target}", f"/{folder}")


def _points_at_itself(path: str, link: str) -> bool:
    """Whether the move made a link to ``/usr/bin/x`` in ``/bin`` one to itself."""
    folder = posixpath.dirname(path)
    target = posixpath.normpath(posixpath.join("/", folder, link)).lstrip("/")
    return in_usr(target) == path


def _capabilities(item: TarMember) -> dict[str, str]:
    value = item.pax.get(_CAPABILITY)
    if value is None:
        return {}
    return {"security.capability": value.decode("utf-8", "surrogateescape")}
