"""What every command shares: the project, the store, the settings, how to speak."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from firstlight import report
from firstlight.cli.view import LinesView, LiveView, View
from firstlight.errors import FirstlightError, LockError, SpecError, UsageError
from firstlight.finding import Finding, plain

if TYPE_CHECKING:
    from firstlight.config import Settings
    from firstlight.lock.lockfile import Lock
    from firstlight.lock.spec import Spec
    from firstlight.store import Store

__all__ = ["Context"]


@dataclass
class Context:
    """One run of the program; made once and passed by hand.

    `vendored` is an OCI layout to take files from before any network is asked, besides
    that of the project; it must be set before anything else is asked for.
    """

    folder: Path
    as_json: bool
    quiet: bool
    offline: bool = False
    vendored: Path | None = None

    _speaks_json: ClassVar[bool] = False

    @classmethod
    def make(
        cls, project: Path, *, as_json: bool, quiet: bool, offline: bool = False
    ) -> Context:
        """Return the context of a command line."""
        if not project.is_dir():
            raise UsageError(
                f"--project {project} is no folder", hint="name the project's folder"
            )
        cls._speaks_json = as_json
        return cls(project.absolute(), as_json, quiet, offline)

    @cached_property
    def settings(self) -> Settings:
        """What this machine says, with its credentials for the project's indexes."""
        from firstlight.config import load_settings

        settings = load_settings()
        settings = replace(
            settings,
            offline=self.offline or settings.offline,
            vendored=tuple(self._layouts()),
        )
        if not any(name.startswith("UV_INDEX_") for name in settings.environ):
            return settings
        try:
            named = {one.name: one.url for one in self.spec().indexes if one.name}
        except SpecError:
            return settings  # Whoever needs the spec says what is wrong with it.
        return replace(settings, indexes=named)

    @property
    def vendor_path(self) -> Path:
        """Where the files of the project's lock are vendored, unless told otherwise."""
        return self.folder / "vendor"

    def _layouts(self) -> Iterator[Path]:
        if self.vendored is not None:
            yield self.vendored
        # Folders of this name are common and mostly somebody else's.
        if (self.vendor_path / "oci-layout").is_file():
            yield self.vendor_path

    @cached_property
    def store(self) -> Store:
        """The store of this user."""
        from firstlight.store import Store

        return Store.open(self.settings.store)

    @cached_property
    def progress(self) -> View:
        """What shows long work: live on a terminal, lines elsewhere, or warnings."""
        if self.quiet:
            return View(sys.stderr)
        if sys.stderr.isatty():
            return LiveView(sys.stderr)
        return LinesView(sys.stderr)

    def spec(self) -> Spec:
        """Read the project's spec."""
        from firstlight.lock.spec import read_spec

        return read_spec(self.folder)

    # The lock

    @property
    def lock_path(self) -> Path:
        """Where ``firstlight.lock`` is."""
        return self.folder / "firstlight.lock"

    @property
    def pylock_path(self) -> Path:
        """Where ``pylock.toml`` is."""
        return self.folder / "pylock.toml"

    def read_lock(self) -> tuple[Lock, str]:
        """Return the lock and the text of its ``pylock.toml``.

        Raises:
            LockError: when one is missing, or they do not belong together.
        """
        from firstlight.digest import of_bytes
        from firstlight.lock.text import parse_lock

        try:
            text = self.lock_path.read_text(encoding="utf-8")
            pylock = self.pylock_path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise LockError(
                f"the lock cannot be read: {error}", hint="run `firstlight lock`"
            ) from error
        lock = parse_lock(text, str(self.lock_path))
        if of_bytes(pylock.encode()) != lock.pylock:
            raise LockError(
                f"{self.pylock_path} is not the one {self.lock_path.name} was made "
                "with",
                hint="restore both from version control, or run `firstlight lock`",
            )
        return lock, pylock

    def write_lock(self, lock: Lock, pylock: str | None = None) -> None:
        """Write the lock; ``firstlight.lock`` last, since it names the other's hash."""
        from firstlight.lock.text import dump_lock

        if pylock is not None:
            _write(self.pylock_path, pylock)
        _write(self.lock_path, dump_lock(lock))

    # Speaking

    def say(self, text: str = "") -> None:
        """Print a line of the result, for people."""
        if not self.as_json:
            sys.stdout.write(text + "\n")

    def result(self, value: Mapping[str, Any]) -> None:
        """Print the result for machines, and the warnings, when that was asked for."""
        if self.as_json:
            warnings = [plain(each) for each in self.progress.warnings]
            value = {**value, "warnings": warnings}
            # What the stream cannot write is spelled so that JSON stays JSON.
            is_ascii = (sys.stdout.encoding or "").lower() not in ("utf-8", "utf8")
            text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=is_ascii)
            sys.stdout.write(text + "\n")

    def findings(self, findings: Iterable[Finding]) -> None:
        """Show findings on standard error."""
        symbols = report.has_symbols()
        for finding in findings:
            for line in report.finding_lines(finding, symbols=symbols):
                sys.stderr.write(line + "\n")

    @classmethod
    def show_error(cls, error: FirstlightError) -> None:
        """Show why a command stopped; as JSON too when that was asked for."""
        if cls._speaks_json:
            sys.stdout.write(json.dumps(report.error_json(error), indent=2) + "\n")
        for line in report.error_lines(error, symbols=report.has_symbols()):
            sys.stderr.write(line + "\n")


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.new")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise LockError(
            f"cannot write {path}: {error.strerror}",
            hint="check the rights of the folder and the room on its disk",
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
