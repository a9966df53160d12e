"""Fetching: everything that comes from elsewhere is verified while it arrives.

A download goes straight into the store while it is hashed. When the connection is cut
it continues where it stopped (``Range``), in the same temporary file and the same hash;
when a server fails for good, the next address is tried from the same place.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from firstlight.access import local_path, redact
from firstlight.config import Settings
from firstlight.digest import CHUNK, Digest
from firstlight.errors import ArtefactError, DigestError, NetworkError
from firstlight.failures import (
    CutOffError,
    RefusedError,
    content_range,
    nothing_worked,
    wrong_size,
)
from firstlight.nearby import Nearby
from firstlight.progress import Progress, Task
from firstlight.ranges import RangeReader
from firstlight.store import BlobWriter, Store
from firstlight.together import for_all
from firstlight.web import Account, Answer, Stop, Web, finish, read

__all__ = ["Download", "Fetcher"]

_WORKERS = 8
# Read from the network at once: little to lose when the connection is cut.
_PIECE = 1 << 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """One file to fetch: where it may be had, and what it must be."""

    urls: tuple[str, ...]
    digest: Digest
    name: str
    size: int | None = None


@dataclass(slots=True)
class _Body:
    """A file while it arrives: what was promised for it, and what is here so far."""

    item: Download
    out: BlobWriter
    task: Task
    stop: Stop
    resumed: bool = False

    def take(self, data: bytes) -> None:
        """Append bytes that arrived; more than promised are refused."""
        self.stop.check()
        size = self.item.size
        if size is not None and self.out.size + len(data) > size:
            raise wrong_size(self.item.name, f"more than {size}", size)
        self.out.write(data)
        self.task.advance(len(data))


class Fetcher:
    """Fetches over HTTP and from local files, as the machine's settings say.

    Args:
        settings: Credentials, proxies and certificates come from here.
        store: Where downloads go.
        progress: Hears of every download.
        retries: How often a failed request is repeated.
        pause: Seconds before the first repetition; each further one doubles them.
        timeout: Seconds without an answer or a byte that end a request.
        account: Who asks, where the credentials of the settings are not meant.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        progress: Progress | None = None,
        *,
        retries: int = 5,
        pause: float = 0.5,
        timeout: float = 60,
        account: Account | None = None,
    ) -> None:
        self._store = store
        self._progress = progress or Progress()
        self._nearby = Nearby(settings, store, self._progress)
        self._web = Web(
            settings, retries=retries, pause=pause, timeout=timeout, account=account
        )

    def fetch(
        self, urls: Sequence[str], *, digest: Digest, size: int | None, name: str
    ) -> Path:
        """Fetch a file into the store, verified, and return where it is.

        Returns at once when the store has it.

        Raises:
            DigestError: when what arrived is not what was promised.
            NetworkError: when no address gives the file.
        """
        item = Download(urls=tuple(urls), digest=digest, size=size, name=name)
        return self._fetch(item, Stop())

    def fetch_all(self, items: Iterable[Download]) -> None:
        """Fetch files in parallel; the first error, or Ctrl-C, stops all of them.

        Raises:
            DigestError: when a file is not what was promised.
            NetworkError: when no address gives a file.
        """
        waiting = {item.digest: item for item in items}
        for_all(tuple(waiting.values()), self._fetch, workers=_WORKERS, name="fetch")

    def bring(self, digest: Digest, name: str) -> bool:
        """Take a file from a layout on this machine; False where none has it."""
        return self._nearby.bring(digest, None, name)

    def get(self, url: str, *, limit: int = 64 << 20) -> bytes:
        """Return a small file, such as an index.

        Raises:
            ArtefactError: when it is larger than the limit.
            NetworkError: when it cannot be had.
        """
        path = local_path(url)
        if path is not None:
            with _opened(path) as stream:
                return _all_of(stream.read, url, limit)

        def attempt() -> bytes:
            response = self._web.open(url)
            try:
                return _all_of(lambda size: read(response, size), url, limit)
            finally:
                finish(response)

        return self._web.patiently(attempt, Stop())

    def get_or_none(self, url: str, *, limit: int = 64 << 20) -> bytes | None:
        """Return a small file, or None where there is no such file."""
        try:
            return self.get(url, limit=limit)
        except RefusedError as refused:
            if refused.status in (403, 404, 410):
                return None
            raise

    def open_range(self, url: str) -> BinaryIO:
        """Open a remote file for reading at any place, without fetching all of it.

        A server that knows no ranges sends the whole file, into a temporary one.
        """
        path = local_path(url)
        if path is not None:
            return _opened(path)
        response, total = self._web.patiently(lambda: self._probe(url), Stop())
        if response is not None:
            return self._web.patiently(lambda: self._whole(url, response), Stop())

        def read_range(start: int, end: int) -> bytes:
            return self._web.patiently(
                lambda: self._range(url, start, end, total), Stop()
            )

        return io.BufferedReader(RangeReader(total, read_range), CHUNK)

    def close(self) -> None:
        """Close the connections that are kept open for the next request."""
        self._web.close()

    # One file

    def _fetch(self, item: Download, stop: Stop) -> Path:
        store = self._store
        if store.has(item.digest, item.size):
            return store.path(item.digest)
        with (
            # Two processes that want the same file: the second waits and has it.
            store.once(f"fetch-{item.digest.removeprefix('sha256:')[:3]}"),
            self._progress.task("fetch", item.name, item.size) as task,
        ):
            if not store.has(item.digest, item.size) and not self._bring(
                item, task, stop
            ):
                self._download(item, task, stop)
        return store.path(item.digest)

    def _bring(self, item: Download, task: Task, stop: Stop) -> bool:
        """Take a file from a layout on this machine, if one has it."""

        def advance(size: int) -> None:
            stop.check()
            task.advance(size)

        return self._nearby.bring(item.digest, item.size, item.name, advance)

    def _download(self, item: Download, task: Task, stop: Stop) -> None:
        urls = list(item.urls)
        problems: list[NetworkError] = []
        wrong: DigestError | None = None
        while urls:
            body: _Body | None = None
            try:
                with self._store.writing(item.digest, item.name) as out:
                    body = _Body(item, out, task, stop)
                    self._pour(urls, body, problems)
                return
            except DigestError as error:
                wrong = error
                task.advance(-body.out.size if body else 0)
                # What a resumed file lacks may be the fault of the part before the
                # cut, which came from elsewhere: its last source deserves a fresh try.
                if not (body and body.resumed and len(urls) < len(item.urls)):
                    urls.pop(0)
                item = replace(item, urls=tuple(urls))
        stop.check()
        raise wrong or nothing_worked(item.name, problems)

    def _pour(self, urls: list[str], body: _Body, problems: list[NetworkError]) -> None:
        """Fill the body from the first URL that works; remove those that do not."""
        while urls:
            try:
                self._pour_from(urls[0], body)
            except NetworkError as error:
                body.stop.check()
                problems.append(error)
                body.resumed = body.out.size > 0
                urls.pop(0)
            else:
                return
        raise nothing_worked(body.item.name, problems)

    def _pour_from(self, url: str, body: _Body) -> None:
        path = local_path(url)
        if path is not None:
            with _opened(path) as stream:
                stream.seek(body.out.size)
                while data := stream.read(CHUNK):
                    body.take(data)
        else:
            self._web.patiently(
                lambda: self._continue(url, body), body.stop, lambda: body.out.size
            )
        size = body.item.size
        if size is not None and body.out.size != size:
            raise wrong_size(body.item.name, str(body.out.size), size)

    def _continue(self, url: str, body: _Body) -> None:
        """Ask for what is missing and append it."""
        start = body.out.size
        headers = {"Range": f"bytes={start}-"} if start else {}
        body.resumed = body.resumed or start > 0
        response = self._web.open(url, headers, allowed=(200, 206, 416))
        body.stop.open.add(response)
        try:
            if response.status == 416:
                return  # Nothing is missing, or the size and digest will tell.
            skip = _check_answer(response, body, start)
            while data := read(response, _PIECE):
                # A server that ignores ranges sends the beginning again.
                kept = data[skip:]
                skip = max(0, skip - len(data))
                body.stop.check()
                if kept:
                    body.take(kept)
        finally:
            body.stop.open.discard(response)
            finish(response)

    # Ranges

    def _probe(self, url: str) -> tuple[Answer | None, int]:
        """Return the size of a file, or the answer itself where ranges are unknown."""
        response = self._web.open(url, {"Range": "bytes=0-0"}, allowed=(200, 206, 416))
        total = content_range(response.headers.get("Content-Range", ""))[1]
        if response.status == 200:
            return response, 0
        finish(response)
        if response.status == 416:
            total = total or 0
        if total is None:
            raise NetworkError(f"{redact(url)}: the server does not say its size")
        return None, total

    def _whole(self, url: str, first: Answer) -> BinaryIO:
        response = self._web.open(url) if first.closed else first
        stream = tempfile.TemporaryFile(dir=self._store.root / "tmp")  # noqa: SIM115
        try:
            while data := read(response, _PIECE):
                stream.write(data)
        except BaseException:
            stream.close()
            raise
        finally:
            response.close()
        stream.seek(0)
        return stream

    def _range(self, url: str, start: int, end: int, total: int) -> bytes:
        headers = {"Range": f"bytes={start}-{end - 1}"}
        response = self._web.open(url, headers, allowed=(200, 206, 416))
        try:
            found = content_range(response.headers.get("Content-Range", ""))
            if response.status != 206 or found != (start, total):
                raise ArtefactError(
                    f"{redact(url)}: the file changed on the server while it was read",
                    hint="run the command again",
                )
            return _all_of(lambda size: read(response, size), url, end - start)
        finally:
            finish(response)


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise RefusedError(
            f"{path}: {error.strerror}",
            status=404 if isinstance(error, FileNotFoundError) else 0,
            hint="check that the file or folder is there and may be read",
        ) from error


def _all_of(read: Callable[[int], bytes], url: str, limit: int) -> bytes:
    parts, size = [], 0
    while data := read(CHUNK):
        parts.append(data)
        size += len(data)
        if size > limit:
            raise ArtefactError(
                f"{redact(url)}: the file is larger than the {limit} bytes expected"
            )
    return b"".join(parts)


def _check_answer(response: Answer, body: _Body, start: int) -> int:
    """Return how many bytes at the beginning of an answer are here already."""
    size, length = body.item.size, response.length_remaining
    if response.status == 206:
        found, total = content_range(response.headers.get("Content-Range", ""))
        if found != start:
            raise CutOffError(
                f"{body.item.name}: the server sent another part of the file"
            )
        skip = 0
    else:
        total, skip = length, start
    if size is not None and total is not None and total != size:
        raise wrong_size(body.item.name, str(total), size)
    return skip
