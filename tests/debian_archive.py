"""Make real ``.deb`` files and signed archives of them, the same bytes each time."""

from __future__ import annotations

import gzip
import hashlib
import io
import lzma
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import zstandard
from pysequoia import SignatureMode, Tsk, sign

__all__ = ["make_archive", "make_ar", "make_deb", "make_key", "make_tar"]

Member = tuple[tarfile.TarInfo, bytes]
TIME = 1_700_000_000


def make_deb(
    folder: Path,
    name: str = "demo",
    version: str = "1.0-1",
    *,
    files: Mapping[str, bytes] | None = None,
    links: Mapping[str, str] | None = None,
    modes: Mapping[str, int] | None = None,
    control: Mapping[str, str] | None = None,
    scripts: Mapping[str, str] | None = None,
    conffiles: Sequence[str] = (),
    architecture: str = "amd64",
    compression: str = "xz",
    members: Sequence[Member] = (),
) -> Path:
    """Make a ``.deb``; `members` go raw at the end of its data, however hostile.

    Args:
        folder: Where the file goes.
        name: The package.
        version: Its version; the file's name leaves the epoch out.
        files: Contents by path without a leading ``/``; folders are made as needed.
        links: Targets of symbolic links by path.
        modes: Modes by path, where they are not 0644.
        control: Further fields, or others instead of the usual ones.
        scripts: Maintainer scripts and other control files by name.
        conffiles: Absolute paths.
        architecture: Of the package.
        compression: ``xz``, ``zst``, ``gz`` or empty for none.
        members: Tar entries as they are.
    """
    files = files or {}
    fields = {
        "Package": name,
        "Version": version,
        "Architecture": architecture,
        "Maintainer": "Nobody <nobody@example.org>",
        "Description": f"{name} for tests",
    } | dict(control or {})
    text = "".join(f"{key}: {value}\n" for key, value in fields.items())
    sums = "".join(
        f"{hashlib.md5(data, usedforsecurity=False).hexdigest()}  {path}\n"
        for path, data in sorted(files.items())
    )
    inner = {"control": text, "md5sums": sums} | dict(scripts or {})
    if conffiles:
        inner["conffiles"] = "".join(f"{path}\n" for path in conffiles)
    executable = {"preinst", "postinst", "prerm", "postrm", "config"}
    first = make_tar(
        {key: value.encode() for key, value in inner.items()},
        modes={key: 0o755 for key in inner if key in executable},
    )
    data = make_tar(files, links=links or {}, modes=modes or {}, members=members)
    ending = f".{compression}" if compression else ""
    path = folder / f"{name}_{version.rpartition(':')[2]}_{architecture}.deb"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        make_ar(
            [
                ("debian-binary", b"2.0\n"),
                (f"control.tar{ending}", compress(first, compression)),
                (f"data.tar{ending}", compress(data, compression)),
            ]
        )
    )
    return path


def make_tar(
    files: Mapping[str, bytes],
    *,
    links: Mapping[str, str] | None = None,
    modes: Mapping[str, int] | None = None,
    members: Sequence[Member] = (),
) -> bytes:
    """Make a tar as dpkg does: ``./`` before every path, owner root, folders first."""
    links, modes = links or {}, modes or {}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path in _folders([*files, *links]):
            tar.addfile(_info(f"./{path}/" if path else "./", tarfile.DIRTYPE, 0o755))
        for path, data in sorted(files.items()):
            info = _info(f"./{path}", tarfile.REGTYPE, modes.get(path, 0o644))
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        for path, target in sorted(links.items()):
            info = _info(f"./{path}", tarfile.SYMTYPE, 0o777)
            info.linkname = target
            tar.addfile(info)
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def _info(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.mtime = kind, mode, TIME
    info.uname = info.gname = "root"
    return info


def _folders(paths: Sequence[str]) -> list[str]:
    found = {""}
    for path in paths:
        parts = path.split("/")[:-1]
        found.update("/".join(parts[: n + 1]) for n in range(len(parts)))
    return sorted(found)


def make_ar(members: Sequence[tuple[str, bytes]]) -> bytes:
    """Make an ``ar`` archive."""
    out = bytearray(b"!<arch>\n")
    for name, data in members:
        out += (
            f"{name:<16}{TIME:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode()
        )
        out += data + b"\n" * (len(data) % 2)
    return bytes(out)


def compress(data: bytes, compression: str) -> bytes:
    """Compress the same way each time."""
    match compression:
        case "xz":
            return lzma.compress(data, preset=1)
        case "gz":
            return gzip.compress(data, mtime=0)
        case "zst":
            return zstandard.ZstdCompressor(level=3).compress(data)
    return data


def make_key(name: str = "Test archive") -> Tsk:
    """Make a key to sign an archive with."""
    return Tsk.generate(name)


def make_archive(
    folder: Path,
    suite: str,
    debs: Sequence[Path],
    key: Tsk,
    *,
    component: str = "main",
    architecture: str = "amd64",
    compression: str = "xz",
    release: Mapping[str, str] | None = None,
    by_hash: bool = False,
    signed: bool = True,
    packages: bytes | None = None,
) -> Path:
    """Add a suite to the archive in a folder and return its ``InRelease``.

    Args:
        folder: The archive's root: ``pool`` and ``dists`` go into it.
        suite: Its codename.
        debs: What it offers.
        key: Signs it.
        component: Of all the packages.
        architecture: Of the index.
        compression: Of the index: ``xz`` or ``gz``.
        release: Fields of the ``InRelease`` beside or instead of the usual ones.
        by_hash: Put the index only where its hash names it.
        signed: Leave the signature away otherwise.
        packages: The text of the index instead of what the packages say.
    """
    text = packages
    if text is None:
        text = b"\n".join(_stanza(folder, deb, component) for deb in debs)
    base = f"{component}/binary-{architecture}"
    top = folder / "dists" / suite
    (top / base).mkdir(parents=True, exist_ok=True)
    packed = compress(text, compression)
    sums = {f"{base}/Packages": text, f"{base}/Packages.{compression}": packed}
    sums = _others(top, base) | sums
    digest = hashlib.sha256(packed).hexdigest()
    place = f"by-hash/SHA256/{digest}" if by_hash else f"Packages.{compression}"
    (top / base / place).parent.mkdir(parents=True, exist_ok=True)
    (top / base / place).write_bytes(packed)
    fields = {
        "Origin": "Test",
        "Suite": "stable",
        "Codename": suite,
        "Date": "Sat, 01 Aug 2026 10:00:00 UTC",
        "Acquire-By-Hash": "yes" if by_hash else "no",
        "Architectures": architecture,
        "Components": component,
    } | dict(release or {})
    head = "".join(f"{name}: {value}\n" for name, value in fields.items())
    lines = "".join(
        f" {hashlib.sha256(data).hexdigest()} {len(data):>8} {path}\n"
        for path, data in sums.items()
    )
    body = f"{head}SHA256:\n{lines}".encode()
    path = top / "InRelease"
    path.write_bytes(_sign(key, body) if signed else body)
    return path


def _others(top: Path, base: str) -> dict[str, bytes]:
    """The indexes of other architectures and components that are there already."""
    found = (path for path in top.glob("*/binary-*/Packages.*"))
    names = {str(path.relative_to(top)): path.read_bytes() for path in sorted(found)}
    return {
        name: data for name, data in names.items() if Path(name).parent != Path(base)
    }


def _sign(key: Tsk, body: bytes) -> bytes:
    return bytes(sign(key.signer(), body, mode=SignatureMode.CLEAR))


def _stanza(folder: Path, deb: Path, component: str) -> bytes:
    data = deb.read_bytes()
    name = deb.name.partition("_")[0]
    place = f"pool/{component}/{name[0]}/{name}/{deb.name}"
    (folder / place).parent.mkdir(parents=True, exist_ok=True)
    (folder / place).write_bytes(data)
    extra = (
        f"Filename: {place}\nSize: {len(data)}\n"
        f"SHA256: {hashlib.sha256(data).hexdigest()}\n"
    )
    return _control(data) + extra.encode()


def _control(deb: bytes) -> bytes:
    size = int(deb[8 + 48 : 8 + 58])
    start = 8 + 60 + size + size % 2
    name = deb[start : start + 16].decode().strip()
    length = int(deb[start + 48 : start + 58])
    packed = deb[start + 60 : start + 60 + length]
    if name.endswith(".zst"):
        packed = zstandard.ZstdDecompressor().decompress(packed)
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        member = tar.extractfile("./control")
        assert member is not None
        return member.read()
