"""The wheels of one build: what each installs, read once and remembered.

Planning only needs to know which wheel puts which file where, so that is kept in the
store as a fact; the entries themselves are read when a layer is really made.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

from firstlight import digest
from firstlight.digest import Digest
from firstlight.lock.lockfile import FORMAT
from firstlight.oci.model import canonical_json
from firstlight.pack.entry import Bytes, Entry, FileRange
from firstlight.pack.group import Item
from firstlight.pack.wheel import wheel_entries
from firstlight.store import Store

__all__ = ["Shelf"]


@dataclass(frozen=True, slots=True)
class Shelf:
    """Reads wheels for one Python and prefix; without a store it believes nothing."""

    python: str
    prefix: str
    store: Store | None
    _read: dict[Digest, list[Entry]] = field(default_factory=dict)
    _locks: dict[Digest, Lock] = field(default_factory=dict)

    def entries(self, item: Item) -> list[Entry]:
        """Return what a wheel puts into the image, sorted by path.

        Raises:
            ArtefactError: when the wheel is damaged or hostile.
        """
        # Planning and the layers that began before it may ask at the same time.
        with self._locks.setdefault(item.digest, Lock()):
            found = self._read.get(item.digest)
            if found is None:
                unsorted = wheel_entries(
                    item.path,
                    filename=item.filename,
                    python=self.python,
                    prefix=self.prefix,
                )
                found = sorted(unsorted, key=lambda entry: entry.path)
                self._read[item.digest] = found
        return found

    def listing(self, item: Item) -> dict[str, str]:
        """Return each path a wheel installs, with a mark of what is in the file."""
        key = digest.of_bytes(
            canonical_json([FORMAT, item.digest, item.filename, self.python])
        )
        known = self.store.fact("wheel", key) if self.store is not None else None
        if isinstance(known, dict):
            return known
        listing = {entry.path: _mark(entry) for entry in self.entries(item)}
        if self.store is not None:
            self.store.record("wheel", key, listing)
        return listing


def _mark(entry: Entry) -> str:
    match entry.content:
        case FileRange(crc=crc):
            content = f"{crc:08x}"
        case Bytes(data):
            content = digest.of_bytes(data)
        case _:
            content = ""
    return f"{entry.kind}:{entry.mode:o}:{entry.size}:{content}"
