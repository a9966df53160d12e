"""Small real artefacts, made on the spot: wheels here, archives in their own file."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

__all__ = ["make_wheel", "record_line"]

_TIME = (2020, 1, 1, 0, 0, 0)


def make_wheel(
    folder: Path,
    name: str = "demo",
    version: str = "1.0",
    files: Mapping[str, bytes | str] | None = None,
    *,
    scripts: Mapping[str, bytes | str] | None = None,
    entry_points: str | Mapping[str, str] | None = None,
    data: Mapping[str, bytes | str] | None = None,
    requires: Iterable[str] = (),
    metadata: str = "",
    wheel: str | None = None,
    extra: Mapping[str, bytes | str] | None = None,
    modes: Mapping[str, int] | None = None,
    record: bool | str = True,
    tag: str = "py3-none-any",
    purelib: bool | None = None,
    compress: bool = True,
    filename: str | None = None,
) -> Path:
    """Write a wheel and return its path.

    Args:
        files: Content of site-packages; ``{name}/__init__.py`` unless given.
        scripts: Files of ``.data/scripts``.
        entry_points: ``entry_points.txt``, or console scripts by name.
        data: Files of ``.data``, each starting with its scheme: ``data/etc/x``.
        requires: ``Requires-Dist`` lines.
        metadata: More lines of METADATA.
        wheel: The whole text of WHEEL.
        extra: Files as they stand in the ZIP, put in after all others.
        modes: UNIX modes by path in the ZIP, for instance ``0o100755``.
        record: False leaves RECORD out; a string is its whole text.
        purelib: ``Root-Is-Purelib``; by the tag unless given.
        compress: False stores every file as it is.
        filename: The wheel's file name; made of name, version and tag unless given.
    """
    stem = f"{name.replace('-', '_')}-{version}"
    info, spread = f"{stem}.dist-info", f"{stem}.data"
    if files is None:
        files = {f"{name.replace('-', '_')}/__init__.py": f'version = "{version}"\n'}
    members: dict[str, bytes | str] = dict(files)
    members.update({f"{spread}/scripts/{at}": it for at, it in (scripts or {}).items()})
    members.update({f"{spread}/{at}": it for at, it in (data or {}).items()})
    required = "".join(f"Requires-Dist: {line}\n" for line in requires)
    members[f"{info}/METADATA"] = (
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{required}{metadata}"
    )
    members[f"{info}/WHEEL"] = wheel or _wheel(tag, purelib)
    if entry_points is not None:
        members[f"{info}/entry_points.txt"] = _entry_points(entry_points)
    members.update(extra or {})
    if record is not False:
        at = f"{info}/RECORD"
        members[at] = record if isinstance(record, str) else _record(members, at)
    path = folder / (filename or f"{stem}-{tag}.whl")
    _write(path, members, modes or {}, compress)
    return path


def record_line(path: str, content: bytes | str) -> str:
    """Return the line of RECORD for a file."""
    raw = hashlib.sha256(_bytes(content)).digest()
    text = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    quoted = '"' + path.replace('"', '""') + '"' if set(path) & set(',"') else path
    return f"{quoted},sha256={text},{len(_bytes(content))}\n"


def _record(members: Mapping[str, bytes | str], own: str) -> str:
    return "".join(record_line(*member) for member in members.items()) + f"{own},,\n"


def _wheel(tag: str, purelib: bool | None) -> str:
    pure = tag.endswith("-none-any") if purelib is None else purelib
    return (
        f"Wheel-Version: 1.0\nGenerator: tests\n"
        f"Root-Is-Purelib: {str(pure).lower()}\nTag: {tag}\n"
    )


def _entry_points(given: str | Mapping[str, str]) -> str:
    if isinstance(given, str):
        return given
    lines = [f"{name} = {target}\n" for name, target in given.items()]
    return "[console_scripts]\n" + "".join(lines)


def _write(
    path: Path,
    members: Mapping[str, bytes | str],
    modes: Mapping[str, int],
    compress: bool,
) -> None:
    method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, _TIME)
            info.compress_type = method
            info.external_attr = modes.get(name, 0o100644) << 16
            archive.writestr(info, _bytes(content))


def _bytes(content: bytes | str) -> bytes:
    return content.encode() if isinstance(content, str) else content
