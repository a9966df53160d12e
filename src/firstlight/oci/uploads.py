"""One blob into a registry: found there, mounted, or sent and continued after a cut.

An upload is a session of the registry, at an address that changes with every answer.
After a cut the session is asked how much it has. Its address is kept in the store, for
its owner alone, so that another process can go on where one was killed.
"""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import dataclass
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit, urlunsplit

from firstlight.errors import ArtefactError, DigestError, StoreError
from firstlight.failures import CutOffError, RefusedError
from firstlight.oci.blobs import Upload, Uploaded, size_of
from firstlight.oci.endpoint import Endpoint
from firstlight.oci.refusals import DeniedError
from firstlight.progress import Task
from firstlight.store import Store
from firstlight.web import Answer, Body, Stop, finish

__all__ = ["CHUNK", "BlobUpload"]

CHUNK = 64 << 20
"""Bytes in one request; measured: docs/design/008-registry.md."""
_LEAST = 1 << 14
_MOST = 1 << 30
_RESTARTS = 4
_SOURCES = 3
_PATIENCE = 600
"""Seconds in which a registry must have put together and hashed a blob."""
_OCTETS = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class _Session:
    """An upload that a registry has begun: where it goes on, and what it has."""

    location: str
    offset: int
    least: int = 0


class BlobUpload:
    """Pushes one blob, as often as it takes."""

    def __init__(
        self,
        endpoint: Endpoint,
        store: Store,
        item: Upload,
        task: Task,
        stop: Stop,
        *,
        chunk: int = CHUNK,
    ) -> None:
        self._endpoint = endpoint
        self._store = store
        self._item = item
        self._task = task
        self._stop = stop
        self._account = endpoint.account("pull,push")
        self._session: _Session | None = None
        self._is_sure = False
        self._is_continued = False
        self._may_patch = True
        self._chunk = chunk
        self._sent = 0
        self._shown = 0
        self._restarts = 0
        place = f"{endpoint.url('blobs')}/{item.digest}"
        self._key = hashlib.sha256(place.encode()).hexdigest()

    def run(self) -> Uploaded:
        """Push it.

        Raises:
            NetworkError: when the registry refuses it, or cannot be reached.
        """
        # Two processes that push the same blob: the second waits and finds it there.
        with self._store.once(f"push-{self._key[:3]}"):
            how = self._endpoint.patiently(
                self._attempt, self._stop, lambda: self._offset
            )
            self._store.drop("upload", self._key)
        self._show(self._item.size)
        return Uploaded(digest=self._item.digest, how=how, sent=self._sent)

    @property
    def _offset(self) -> int:
        return self._session.offset if self._session else 0

    def _attempt(self) -> str:
        self._stop.check()
        there = size_of(self._endpoint, self._item.digest, self._account)
        if there == self._item.size:
            return "uploaded" if self._sent else "there"
        try:
            if self._session is None and not self._begin():
                return "mounted"
            if not self._is_sure:
                self._find_offset()
            self._send()
        except CutOffError:
            self._is_sure = False
            if not self._may_patch:
                self._session = None  # It cannot be continued.
            raise
        except DeniedError as denied:
            self._recover(denied)
        return "uploaded"

    # Beginning

    def _begin(self) -> bool:
        """Get a session; False when the registry took the blob from elsewhere."""
        kept = self._store.fact("upload", self._key)
        if self._restarts == 0 and isinstance(kept, dict) and self._knows(kept):
            return True
        self._store.drop("upload", self._key)
        for source in self._item.sources[:_SOURCES]:
            if self._mount(source):
                return False
        if self._session:
            return True
        response = self._ask("POST", self._endpoint.url("blobs/uploads/"))
        self._begun(response, self._endpoint.url("blobs/uploads/"))
        return True

    def _knows(self, kept: dict[str, Any]) -> bool:
        """Whether the registry still has the session of a process that ended."""
        location, least = kept.get("location"), kept.get("least")
        if not isinstance(location, str) or not isinstance(least, int):
            return False
        self._session = _Session(location, 0, least)
        try:
            self._find_offset()
        except RefusedError:
            self._session = None
        return self._session is not None

    def _mount(self, source: str) -> bool:
        """Ask the registry to take the blob from another repository."""
        url = self._endpoint.url("blobs/uploads/")
        query = f"?mount={self._item.digest}&from={source}"
        account = self._endpoint.account("pull,push", (source,))
        try:
            response = self._endpoint.ask(
                "POST", url + query, account=account, allowed=(201, 202)
            )
        except RefusedError:
            return False  # Who may not read there can still send it.
        if response.status == 202:
            self._begun(response, url)
            return False
        finish(response)
        return True

    def _begun(self, response: Answer, url: str) -> None:
        finish(response)
        least = response.headers.get("OCI-Chunk-Min-Length", "")
        known = int(least) if re.fullmatch(r"\d{1,10}", least) else 0
        location = self._endpoint.follow(url, response.headers.get("Location", ""))
        self._session = _Session(location, 0, known)
        self._is_sure = True

    def _find_offset(self) -> None:
        """Ask the session how much of the blob it has (``end-13``)."""
        session = self._current()
        response = self._ask("GET", session.location, allowed=(200, 202, 204))
        finish(response)
        reached = _reached(response)
        # `0-0` is what registries say of nothing and of one byte: begin anew.
        if reached is None or not 1 < reached <= self._item.size:
            reached = 0
        if reached == 0 and session.offset > 0:
            self._session = None
            raise _lost(self._item.name)
        self._is_continued = self._is_continued or reached > 0
        self._move(response, reached)
        self._is_sure = True

    # Sending

    def _send(self) -> None:
        if self._offset == 0 and (
            self._item.size <= self._chunk or not self._may_patch
        ):
            self._finish(self._item.size)
            return
        while self._offset < self._item.size:
            self._patch()
        self._finish(0)

    def _patch(self) -> None:
        session = self._current()
        start = session.offset
        length = min(max(self._chunk, session.least, 1), _MOST, self._item.size - start)
        headers = {
            "Content-Type": _OCTETS,
            "Content-Range": f"{start}-{start + length - 1}",
        }
        response = self._ask(
            *("PATCH", session.location, headers),
            allowed=(201, 202, 204),
            body=self._body(start, length),
        )
        finish(response)
        reached = _reached(response)
        end = start + length if reached is None else reached
        if not start < end <= start + length:
            raise _lost(self._item.name)
        self._move(response, end)
        if end < self._item.size:
            self._keep()

    def _finish(self, length: int) -> None:
        """Close the session (``end-6``), with the blob itself when it is small."""
        session = self._current()
        parts = urlsplit(session.location)
        query = f"{parts.query}&" if parts.query else ""
        url = urlunsplit(parts._replace(query=f"{query}digest={self._item.digest}"))
        response = self._ask(
            *("PUT", url, {"Content-Type": _OCTETS}),
            allowed=(201, 204),
            body=self._body(0, length) if length else None,
            wait=_PATIENCE,
        )
        finish(response)
        told = response.headers.get("Docker-Content-Digest", self._item.digest)
        if told != self._item.digest:
            raise DigestError(
                f"{self._item.name}: the registry stored it as {told[:80]!r}, not as "
                f"{self._item.digest}",
                hint="the registry, or a proxy in front of it, changes what is sent",
            )

    def _body(self, start: int, length: int) -> Body:
        def opened() -> BinaryIO:
            stream = self._item.open()
            stream.seek(start)
            self._show(start)
            return cast("BinaryIO", _Part(stream, length, self))

        return Body(length, opened)

    def passed(self, size: int) -> None:
        """Count bytes that are on their way."""
        self._stop.check()
        self._sent += size
        self._show(self._shown + size)

    def ended_early(self) -> ArtefactError:
        """Return the error for a file that is shorter than its size says."""
        return ArtefactError(
            f"{self._item.name}: the file is shorter than {self._item.size} bytes",
            hint="run `firstlight cache check`, then build and push again",
        )

    def _show(self, reached: int) -> None:
        self._task.advance(reached - self._shown)
        self._shown = reached

    # After an answer

    def _ask(
        self,
        method: str,
        url: str,
        headers: dict[str, str] | None = None,
        *,
        allowed: tuple[int, ...] = (202,),
        body: Body | None = None,
        wait: float = 0,
    ) -> Answer:
        return self._endpoint.ask(
            *(method, url, headers),
            account=self._account,
            allowed=allowed,
            body=body,
            wait=wait,
        )

    def _current(self) -> _Session:
        assert self._session is not None
        return self._session

    def _move(self, response: Answer, offset: int) -> None:
        """Take over the address that an answer gives, and what the session has now."""
        session = self._current()
        location = response.headers.get("Location", "")
        if location:
            location = self._endpoint.follow(session.location, location)
        self._session = _Session(location or session.location, offset, session.least)
        self._show(offset)

    def _keep(self) -> None:
        session = self._current()
        # The address may be signed: whoever has it can add to the upload.
        kept = {"location": session.location, "least": session.least}
        self._store.record("upload", self._key, kept, private=True)

    def _recover(self, denied: DeniedError) -> None:
        """Turn a refusal that another way may avoid into one that passes."""
        if self._session is None or self._restarts >= _RESTARTS:
            raise denied
        self._restarts += 1
        if denied.status == 413 and self._chunk > _LEAST:
            # A proxy that limits requests: smaller ones may get through.
            self._chunk = min(self._chunk, self._item.size) // 8
        elif denied.status in (405, 501) and self._may_patch:
            self._may_patch = False
        elif denied.status == 416 and self._is_sure:
            self._is_sure = False  # It tells where it goes on.
            raise _lost(self._item.name) from denied
        elif not self._is_forgotten(denied):
            raise denied
        self._session = None
        raise _lost(self._item.name) from denied

    def _is_forgotten(self, denied: DeniedError) -> bool:
        """Whether a refusal means this session, so that a new one may fare better."""
        if "DIGEST_INVALID" in denied.codes:
            # What was sent in one go is as wrong when it is sent again.
            return self._is_continued
        codes = {"BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID"}
        is_gone = (
            denied.status in (404, 410, 416) and "NAME_UNKNOWN" not in denied.codes
        )
        return is_gone or bool(codes.intersection(denied.codes))


class _Part(io.RawIOBase):
    """A part of a file, whose bytes are counted when they are taken."""

    def __init__(self, stream: BinaryIO, length: int, upload: BlobUpload) -> None:
        self._stream = stream
        self._left = length
        self._upload = upload

    def readable(self) -> bool:
        """Yes."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Read what there is, up to the size and the part's end."""
        try:
            data = self._stream.read(min(size, self._left) if size >= 0 else self._left)
        except OSError as error:
            # The library would take it for an error of the connection.
            raise StoreError(
                f"reading a blob: {error.strerror}", hint="check the disk, then repeat"
            ) from error
        if not data and self._left:
            raise self._upload.ended_early()
        self._left -= len(data)
        self._upload.passed(len(data))
        return data

    def close(self) -> None:
        """Close the file too."""
        self._stream.close()
        super().close()


def _reached(response: Answer) -> int | None:
    """How many bytes a session has, by its ``Range``; None where it does not say."""
    found = re.fullmatch(r"(?:bytes=)?0-(\d{1,18})", response.headers.get("Range", ""))
    return int(found[1]) + 1 if found else None


def _lost(name: str) -> CutOffError:
    return CutOffError(
        f"{name}: the registry lost track of the upload",
        hint="run the command again: what is there already is not sent again",
    )
