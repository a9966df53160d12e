"""A vendor artefact that came from somewhere: its lock and spec, read and unpacked.

Nothing is written before everything fits together: the ``pylock.toml`` has the hash
that the lock names, and the texts of the spec give the digest that the lock remembers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from firstlight.digest import of_bytes
from firstlight.errors import ArtefactError, DigestError, FirstlightError, UsageError
from firstlight.lock.spec import read_spec
from firstlight.lock.text import parse_lock
from firstlight.nearby import Layout
from firstlight.store import Store
from firstlight.vendor.artefact import (
    LOCK_TYPE,
    PYLOCK_TYPE,
    SPEC_TYPE,
    Artefact,
    File,
    read_artefact,
)
from firstlight.vendor.layout import find
from firstlight.vendor.project import (
    LARGEST,
    LOCK,
    PYLOCK,
    Project,
    is_safe,
    spec_files,
)

__all__ = ["opened", "project_of", "texts_of", "unpack"]

_MOST_TEXTS = 200


def opened(layout: Layout) -> tuple[Artefact, Project]:
    """Return the artefact in a layout, and the project that it holds.

    Raises:
        ArtefactError: when it is damaged, or does not fit together.
    """
    where = str(layout.path)
    artefact = read_artefact(find(layout), where)
    return artefact, project_of(artefact, where, partial(_text, layout))


def _text(layout: Layout, file: File) -> bytes:
    data = layout.small(f"blobs/sha256/{file.digest[7:]}", LARGEST)
    if of_bytes(data) != file.digest:
        raise DigestError(
            f"{layout.path}: {file.title} is damaged", hint="bring it here again"
        )
    return data


def project_of(
    artefact: Artefact, where: str, text: Callable[[File], bytes]
) -> Project:
    """Read lock and spec, and see that they belong together."""
    texts = {file.title: file for file in texts_of(artefact, where)}
    for name, kind in ((LOCK, LOCK_TYPE), (PYLOCK, PYLOCK_TYPE)):
        if name not in texts or texts[name].media_type != kind:
            raise ArtefactError(f"{where} has no {name}")
    lock = parse_lock(_decoded(text(texts[LOCK]), LOCK, where), f"{where}: {LOCK}")
    pylock = text(texts[PYLOCK])
    if of_bytes(pylock) != lock.pylock:
        raise ArtefactError(f"{where}: its {PYLOCK} is not the one its lock names")
    known = [part.platform for part in lock.platforms]
    if not artefact.platforms or not set(artefact.platforms) <= set(known):
        raise ArtefactError(f"{where} does not say for which of {known} it is")
    spec = {
        file.title: text(file)
        for file in texts.values()
        if file.media_type == SPEC_TYPE
    }
    return Project(
        lock=lock,
        pylock=_decoded(pylock, PYLOCK, where),
        folder=Path(where).parent,
        spec=spec,
    )


def texts_of(artefact: Artefact, where: str) -> list[File]:
    """The texts of the project, none of which is too long or out of place."""
    kinds = (LOCK_TYPE, PYLOCK_TYPE, SPEC_TYPE)
    found = [file for file in artefact.files if file.media_type in kinds]
    if len(found) > _MOST_TEXTS:
        raise ArtefactError(f"{where} has more than {_MOST_TEXTS} files of a spec")
    for file in found:
        if (file.size or 0) > LARGEST:
            raise ArtefactError(f"{where}: {file.title} has {file.size} bytes")
        if file.media_type == SPEC_TYPE and not is_safe(file.title):
            raise ArtefactError(
                f"{where}: {file.title!r} is no name that a file of a spec may have"
            )
    return found


def _decoded(data: bytes, name: str, where: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ArtefactError(f"{where}: {name} is no UTF-8") from error


# Unpacking


def unpack(layout: Layout, folder: Path, store: Store) -> list[str]:
    """Write lock, pylock and spec into a folder and return the names of the files.

    Raises:
        ArtefactError: when the spec is not the one that was locked.
        UsageError: when one of the files is there with another content.
    """
    _, project = opened(layout)
    texts = {
        **project.spec,
        PYLOCK: project.pylock.encode(),
        LOCK: _text(layout, _lock_file(layout)),
    }
    _check_spec(project, folder.absolute(), str(layout.path), store)
    changed = [name for name, text in texts.items() if _differs(folder, name, text)]
    if changed:
        raise UsageError(
            f"{folder} has another {', '.join(sorted(changed))} already",
            hint="unpack into an empty folder, or move those files away",
        )
    try:
        for name, text in texts.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                _write(path, text)
    except OSError as error:
        raise UsageError(f"{error.filename}: {error.strerror}") from error
    return list(texts)


def _lock_file(layout: Layout) -> File:
    artefact = read_artefact(find(layout), str(layout.path))
    return artefact.of_type(LOCK_TYPE)[0]


def _differs(folder: Path, name: str, text: bytes) -> bool:
    """Whether something else has the name, or a link leads out of the folder."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()) or path.is_symlink():
        return True
    return path.exists() and (not path.is_file() or path.read_bytes() != text)


def _write(path: Path, text: bytes) -> None:
    temporary = path.with_name(f".{path.name}.new")
    try:
        temporary.write_bytes(text)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _check_spec(project: Project, folder: Path, where: str, store: Store) -> None:
    """See that the texts give the spec that was locked, before they are written.

    A spec without a name has that of its folder, so it fits only a folder of that name.
    """
    if not project.spec:
        raise ArtefactError(f"{where} has no spec")
    if _fits(project, folder.name, store):
        return
    if _fits(project, project.lock.name, store):
        raise UsageError(
            f"the spec in {where} has no name of its own, so its folder must be called "
            f"{project.lock.name}, not {folder.name}",
            hint=f"unpack it into {folder.parent / project.lock.name}",
        )
    raise ArtefactError(
        f"{where}: its spec is not the one that its lock was made from",
        hint="vendor it again from the project; files of a spec that lie outside of "
        "the project, or are hidden, cannot be vendored",
    )


def _fits(project: Project, name: str, store: Store) -> bool:
    with store.scratch() as scratch:
        folder = scratch / (name or "project")
        for title, text in project.spec.items():
            path = folder / title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)
        try:
            texts, others = spec_files(folder)
            same = read_spec(folder).digest == project.lock.spec
        except FirstlightError:
            return False
    return same and not others and texts == project.spec
