"""Where what belongs to a project's workspace is kept, outside the project."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import platformdirs

from firstlight.engine.base import HOME, WORKSPACE, Mount, Port
from firstlight.engine.table import ENGINES
from firstlight.errors import StoreError

__all__ = ["Place", "Record", "place_of", "places"]

_TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What was started: enough to find it again and to see whether it is still right.

    `plan` is a digest of everything the container was started with.
    """

    engine: str
    container: str
    image: str
    plan: str
    project: str
    ports: tuple[Port, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The folder of one project and one person.

    The home folder in it may be on a disk that several machines share; what runs on
    one of them is in `here`, the folder of that machine. `key` is on the container
    too, so that it is found again when this folder is lost; `owner` is who works there:
    whoever calls, or, for root, whose project it is.
    """

    folder: Path
    here: Path
    key: str
    name: str
    project: Path
    owner: tuple[int, int]

    @property
    def home(self) -> Path:
        """The home folder inside, kept between runs."""
        return self.folder / "home"

    @property
    def token(self) -> Path:
        """JupyterLab's token, which nobody else may read."""
        return self.here / "jupyter-token"

    @property
    def keys(self) -> Path:
        """The public keys that may log in."""
        return self.here / "authorized_keys"

    @property
    def passwd(self) -> Path:
        """The image's table of accounts, with the person's numbers."""
        return self.here / "passwd"

    @property
    def group(self) -> Path:
        """The image's table of groups, with the person's numbers."""
        return self.here / "group"

    @property
    def known_hosts(self) -> Path:
        """The workspace's host key, as ssh outside reads it."""
        return self.folder / "known_hosts"

    @property
    def fleeting(self) -> Path:
        """The home folder of a workspace that shall keep none."""
        return self.here / "fleeting"

    @property
    def changes(self) -> Path:
        """The log of a sandbox and what it changes in its root; engines keep theirs."""
        return self.here / "changes"

    @property
    def _passing(self) -> tuple[Path, ...]:
        return self.here, self.fleeting, self.changes

    @property
    def _record(self) -> Path:
        return self.here / "workspace.json"

    def make(self) -> None:
        """Make the folders, for the owner alone.

        Raises:
            StoreError: when they cannot be made.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for path in (self.folder, self.home, *self._passing):
                path.mkdir(exist_ok=True, mode=0o700)
                self._give(path)
            self.folder.chmod(0o700)  # It may have been there, copied from elsewhere.
        except OSError as error:
            raise StoreError(
                f"cannot make the workspace's folder {self.folder}: {error.strerror}",
                hint="set XDG_STATE_HOME to a folder you may write",
            ) from error

    def make_points(self, mounts: Sequence[Mount]) -> None:
        """Make what mounts inside the project and the home folder are laid upon.

        The engine would make it too, but for a daemon's root, not for the person.
        """
        folders = {m.target: m.source for m in mounts if m.target in (WORKSPACE, HOME)}
        for mount in mounts:
            for target, folder in folders.items():
                if mount.target.startswith(f"{target}/"):
                    inside = PurePosixPath(mount.target).relative_to(target)
                    # What we cannot make, the engine cannot either, and says so.
                    with suppress(OSError):
                        self._make_point(folder, inside.parts, mount.source.is_dir())

    def make_token(self) -> str:
        """Make a new token and return it: whoever knew an older one is out."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        self.write(self.token, token)  # JupyterLab would take a newline for a part.
        return token

    def known_token(self) -> str:
        """Return the token of what runs, empty when it is lost."""
        try:
            return self.token.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return ""

    def write(self, path: Path, text: str) -> None:
        """Write a file for the owner's eyes; it is there whole or not at all.

        Raises:
            StoreError: when it cannot be written.
        """
        try:
            descriptor, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)
            new = Path(name)
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                    stream.write(text)
                self._give(new)
                new.replace(path)
            finally:
                new.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(
                f"cannot write {path}: {error.strerror}",
                hint="free some space there, or set XDG_STATE_HOME to another folder",
            ) from error

    def change(self, path: Path, text: str) -> None:
        """Write over a file in place: what runs has it mounted and sees no other.

        Raises:
            StoreError: when it cannot be written.
        """
        data = text.encode()
        try:
            with path.open("r+b", buffering=0) as stream:
                stream.write(data)
                stream.truncate(len(data))
        except OSError as error:
            raise StoreError(
                f"cannot write {path}: {error.strerror}",
                hint="`firstlight restart` makes it anew",
            ) from error

    def record(self) -> Record | None:
        """Return what was started last, None when nothing is known of it."""
        return _read(self._record)

    def keep(self, record: Record) -> None:
        """Remember what was started."""
        self.write(self._record, json.dumps(asdict(record), indent=2) + "\n")

    def begin(self) -> None:
        """Make the folders, and those anew that live as long as a run."""
        for folder in (self.fleeting, self.changes):
            _remove(folder)
        self.make()

    def forget(self) -> None:
        """Remove what belonged to the run; home and host key stay."""
        for path in (self._record, self.token, self.keys, self.passwd, self.group):
            path.unlink(missing_ok=True)
        for folder in (self.fleeting, self.changes):
            _remove(folder)
        with suppress(OSError):  # Not empty, or never made.
            self.here.rmdir()

    @contextmanager
    def passing_home(self) -> Iterator[Path]:
        """A home folder for one command, gone when that has ended."""
        folder = Path(tempfile.mkdtemp(prefix="fleeting-", dir=self.folder))
        try:
            self._give(folder)
            yield folder
        finally:
            _remove(folder)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the folder, so that two `up` of one project come one after the other."""
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _make_point(self, here: Path, parts: Sequence[str], is_folder: bool) -> None:
        for number, part in enumerate(parts, 1):
            here = here / part
            if here.is_symlink():
                return  # Where it leads is not for us to make.
            if here.exists():
                continue
            if is_folder or number < len(parts):
                here.mkdir()
            else:
                here.touch()
            found = here.parent.stat()
            _give(here, (found.st_uid, found.st_gid))

    def _give(self, path: Path) -> None:
        _give(path, self.owner)


def place_of(project: Path, *, state: Path | None = None) -> Place:
    """Return the place of a project; nothing is made yet."""
    project = project.resolve()
    found, caller = project.stat(), os.geteuid()
    is_theirs = caller in (0, found.st_uid)
    key = hashlib.sha256(f"{caller}:".encode() + os.fsencode(project))
    word = re.sub(r"[^a-z0-9]+", "-", project.name.lower()).strip("-")[:30]
    name = f"{word or 'project'}-{key.hexdigest()[:8]}"
    folder = _root(state) / name
    return Place(
        folder=folder,
        here=folder / _machine(),
        key=key.hexdigest()[:16],
        name=f"firstlight-{name}",
        project=project,
        owner=(found.st_uid, found.st_gid) if is_theirs else (caller, os.getegid()),
    )


def places(*, state: Path | None = None) -> Iterator[Record]:
    """Yield what is known of every workspace of this person on this machine."""
    for path in sorted(_root(state).glob(f"*/{_machine()}/workspace.json")):
        found = _read(path)
        if found is not None:
            yield found


def _machine() -> str:
    """This machine among those that may share a home folder."""
    word = re.sub(r"[^a-z0-9.-]+", "-", platform.node().lower()).strip("-.")
    return f"on-{word or 'this-machine'}"


def _read(path: Path) -> Record | None:
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
        ports = tuple(Port(**each) for each in found.pop("ports"))
        record = Record(**found, ports=ports)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    # A newer firstlight may know engines that we do not.
    return record if record.engine in ENGINES else None


def _give(path: Path, owner: tuple[int, int]) -> None:
    """Root who works in somebody's project leaves that person's files."""
    if os.geteuid() == 0 and path.lstat().st_uid != owner[0]:
        os.lchown(path, *owner)


def _remove(folder: Path) -> None:
    """Remove a folder, also where an overlay left one that nobody may enter."""
    for path, names, _ in os.walk(folder):
        for name in names:
            below = Path(path, name)
            if not below.is_symlink():
                with suppress(OSError):
                    below.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _root(state: Path | None) -> Path:
    return (state or platformdirs.user_state_path("firstlight")) / "workspaces"
