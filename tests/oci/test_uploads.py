"""Blobs into a registry that cuts, loses, limits and lies."""

from __future__ import annotations

import hashlib
import io
import json
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from firstlight.errors import ArtefactError, DigestError, NetworkError
from firstlight.progress import Progress, Task
from oci.repositories import CHUNK, content, repository, upload
from registry_server import Fault, Registry, serving_registry

BODY = content(350_000)
ITEM = upload(BODY)
PUSHES = """
import sys; sys.path[:0] = ["tests"]
from pathlib import Path
from oci.repositories import content, repository, upload
with repository(sys.argv[1], Path(sys.argv[2])) as made:
    made.push_blobs([upload(content(350_000))])
"""


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serving_registry() as registry:
        yield registry


def push(registry: Registry, folder: Path, *items, **options):
    with repository(registry.host, folder, **options) as made:
        return made.push_blobs(items or [ITEM])


def ranges(registry: Registry) -> list[str]:
    return [each.headers["Content-Range"] for each in registry.asked("PATCH")]


class TestSending:
    def test_a_small_blob_takes_two_requests(self, registry, tmp_path):
        (done,) = push(registry, tmp_path, upload(b"small"))
        assert (done.how, done.sent) == ("uploaded", 5)
        lines = [each.method for each in registry.requests]
        assert lines == ["GET", "HEAD", "POST", "PUT"]
        assert registry.blobs[done.digest] == b"small"

    def test_an_empty_blob_arrives(self, registry, tmp_path):
        (done,) = push(registry, tmp_path, upload(b""))
        assert registry.blobs[done.digest] == b""

    def test_a_large_one_is_sent_in_chunks(self, registry, tmp_path):
        (done,) = push(registry, tmp_path)
        assert (done.how, done.sent) == ("uploaded", len(BODY))
        assert ranges(registry) == [
            *("0-99999", "100000-199999", "200000-299999", "300000-349999")
        ]
        assert registry.blobs[ITEM.digest] == BODY

    def test_chunks_are_as_large_as_the_registry_wants(self, registry, tmp_path):
        registry.chunk_min = 200_000
        push(registry, tmp_path)
        assert ranges(registry) == ["0-199999", "200000-349999"]

    def test_addresses_may_be_absolute(self, registry, tmp_path):
        registry.absolute = True
        push(registry, tmp_path)
        assert registry.blobs[ITEM.digest] == BODY

    def test_a_registry_without_chunks_gets_it_in_one(self, registry, tmp_path):
        registry.chunks = False
        push(registry, tmp_path)
        assert registry.blobs[ITEM.digest] == BODY
        assert len(registry.asked("PUT")) == 1

    def test_many_go_at_once_and_equal_ones_once(self, registry, tmp_path):
        items = [upload(content(1000, number)) for number in range(20)]
        done = push(registry, tmp_path, *items, items[0])
        assert [each.digest for each in done] == [each.digest for each in items]
        assert len(registry.asked("PUT")) == 20

    def test_what_is_there_is_not_sent(self, registry, tmp_path):
        registry.add_blob("team/torch", BODY)
        (done,) = push(registry, tmp_path)
        assert (done.how, done.sent, registry.received()) == ("there", 0, 0)

    def test_progress_adds_up_to_the_size_whatever_happens(self, registry, tmp_path):
        registry.faults += [
            Fault("^PATCH", "cut-body", size=30_000),
            Fault("^PATCH", "forget"),
        ]
        heard = Heard()
        push(registry, tmp_path, progress=heard)
        assert heard.tasks == {("push", "layer"): len(BODY)}


class Heard(Progress):
    """Adds up what each task did."""

    def __init__(self) -> None:
        self.tasks: dict[tuple[str, str], int] = {}

    @contextmanager
    def task(self, kind: str, name: str, total: int | None = None) -> Iterator[Task]:
        heard, key = self, (kind, name)
        heard.tasks[key] = 0

        class Adding(Task):
            def advance(self, size: int) -> None:
                heard.tasks[key] += size

        yield Adding()


class TestMounting:
    def test_takes_a_blob_from_another_repository(self, registry, tmp_path):
        registry.add_blob("team/base", BODY)
        item = replace(ITEM, sources=("team/other", "team/base"))
        (done,) = push(registry, tmp_path, item)
        assert (done.how, done.sent, registry.received()) == ("mounted", 0, 0)
        assert ITEM.digest in registry.holds["team/torch"]

    def test_goes_on_with_the_session_where_it_is_refused(self, registry, tmp_path):
        registry.mounts = False
        (done,) = push(registry, tmp_path, replace(ITEM, sources=("team/base",)))
        assert done.how == "uploaded"
        assert len(registry.asked("POST")) == 1

    def test_is_not_needed_where_it_is_forbidden(self, registry, tmp_path):
        registry.faults += [Fault("mount=", "answer", status=403)]
        (done,) = push(registry, tmp_path, replace(ITEM, sources=("team/base",)))
        assert done.how == "uploaded"


class TestResuming:
    @pytest.mark.parametrize("kept", [True, False])
    def test_continues_after_a_cut_within_a_chunk(self, registry, tmp_path, kept):
        registry.keeps_partial = kept
        registry.faults += [Fault("^PATCH", "cut-body", size=60_000)]
        push(registry, tmp_path)
        assert registry.blobs[ITEM.digest] == BODY
        again = 0 if kept else 60_000
        assert registry.received() == len(BODY) + again

    def test_continues_in_the_middle(self, registry, tmp_path):
        registry.faults += [Fault("^PATCH", "cut-body", after=2, size=70)]
        push(registry, tmp_path)
        assert registry.blobs[ITEM.digest] == BODY
        assert registry.received() == len(BODY)
        assert ranges(registry)[2:4] == ["200000-299999", "200070-300069"]

    @pytest.mark.parametrize("method", ["HEAD", "POST", "PATCH", "PUT"])
    @pytest.mark.parametrize("what", ["drop", "swallow"])
    def test_outlives_a_cut_at_any_request(self, registry, tmp_path, method, what):
        registry.faults += [Fault(f"^{method}", what)]
        push(registry, tmp_path)
        assert registry.blobs[ITEM.digest] == BODY
        # A chunk that arrived, though its answer did not, is not sent again.
        assert registry.received() == len(BODY)

    def test_outlives_more_cuts_than_retries_as_long_as_it_gets_on(
        self, registry, tmp_path
    ):
        body = content(9 << 20, 3)
        registry.faults += [Fault("^PATCH", "cut-body", times=7, size=1_100_000)]
        push(registry, tmp_path, upload(body), chunk=1_200_000, retries=2)
        assert registry.received() == len(body)

    def test_gives_up_on_a_registry_that_always_cuts(self, registry, tmp_path):
        registry.faults += [Fault("^PATCH", "drop", times=99)]
        with pytest.raises(NetworkError, match="connection was cut"):
            push(registry, tmp_path)
        assert len(registry.asked("PATCH")) == 4

    def test_begins_anew_when_the_session_was_lost(self, registry, tmp_path):
        registry.faults += [Fault("^PATCH", "forget", after=2)]
        push(registry, tmp_path)
        assert registry.blobs[ITEM.digest] == BODY
        assert len(registry.asked("POST")) == 2

    def test_gives_up_when_every_session_is_lost(self, registry, tmp_path):
        registry.faults += [Fault("^(PATCH|PUT)", "forget", times=99)]
        with pytest.raises(NetworkError, match="404"):
            push(registry, tmp_path, retries=9)

    def test_asks_where_to_go_on_when_it_was_wrong(self, registry, tmp_path):
        registry.faults += [
            Fault("^PATCH", "answer", status=416, headers={"Range": "0-7"})
        ]
        push(registry, tmp_path)
        assert registry.blobs[ITEM.digest] == BODY
        assert len(registry.asked("POST")) == 1

    def test_another_client_that_was_faster_is_success(self, registry, tmp_path):
        registry.faults += [
            Fault("^PATCH", "drop"),
            Fault("^HEAD", "wait", after=1, size=50),
        ]
        thread = threading.Thread(target=other_client, args=(registry,))
        thread.start()
        (done,) = push(registry, tmp_path)
        thread.join()
        assert done.digest == ITEM.digest
        assert registry.received() < len(BODY)


def other_client(registry: Registry) -> None:
    """Push the blob as soon as this one has begun."""
    while not registry.asked("PATCH"):
        time.sleep(0.001)
    registry.add_blob("team/torch", BODY)


class TestLimits:
    def test_smaller_requests_get_through_a_proxy(self, registry, tmp_path):
        registry.faults += [Fault("^PATCH", "answer", status=413)]
        push(registry, tmp_path)
        assert registry.blobs[ITEM.digest] == BODY
        assert len(registry.asked("PATCH")) > 8

    def test_a_quota_is_told(self, registry, tmp_path):
        body = json.dumps(
            {"errors": [{"code": "DENIED", "message": "quota of 5 GB exceeded"}]}
        ).encode()
        registry.faults += [Fault("^POST", "answer", status=403, body=body)]
        with pytest.raises(NetworkError, match="quota of 5 GB exceeded") as caught:
            push(registry, tmp_path)
        assert "larger quota" in caught.value.hint

    @pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
    def test_what_may_pass_is_tried_again(self, registry, tmp_path, status):
        registry.faults += [Fault("^(PATCH|PUT)", "answer", status=status, times=2)]
        push(registry, tmp_path)
        assert registry.blobs[ITEM.digest] == BODY

    @pytest.mark.parametrize("later", ["1", "date"])
    def test_waits_as_long_as_the_registry_asks(self, registry, tmp_path, later):
        if later == "date":
            when = time.gmtime(time.time() + 2)
            later = time.strftime("%a, %d %b %Y %H:%M:%S GMT", when)
        headers = {"Retry-After": later}
        registry.faults += [Fault("^POST", "answer", status=429, headers=headers)]
        start = time.monotonic()
        push(registry, tmp_path)
        assert time.monotonic() - start > 0.9


class TestLies:
    def test_a_registry_that_stores_something_else_is_told(self, registry, tmp_path):
        other = {"Docker-Content-Digest": "sha256:" + "0" * 64}
        registry.faults += [Fault("^PUT", "headers", headers=other)]
        with pytest.raises(DigestError, match="stored it as"):
            push(registry, tmp_path)

    @pytest.mark.parametrize("told", ["0-5", "0-999999999", "0-0"])
    def test_a_session_that_tells_nonsense_is_not_believed(
        self, registry, tmp_path, told
    ):
        registry.faults += [Fault("^PATCH", "headers", headers={"Range": told})]
        push(registry, tmp_path)
        assert registry.blobs[ITEM.digest] == BODY

    def test_a_location_that_is_less_safe_is_not_followed(self, registry, tmp_path):
        for place in ("ftp://127.0.0.1/a", "file:///etc/passwd", "http://[", ""):
            headers = {"Location": place}
            registry.faults = [Fault("^POST", "headers", headers=headers)]
            with pytest.raises(NetworkError, match="not safe"):
                push(registry, tmp_path)

    def test_a_file_that_is_shorter_than_promised_is_told(self, registry, tmp_path):
        short = replace(ITEM, open=lambda: io.BytesIO(BODY[:250_000]))
        with pytest.raises(ArtefactError, match="shorter"):
            push(registry, tmp_path, short)
        assert ITEM.digest not in registry.blobs

    def test_a_file_that_changed_is_refused_once(self, registry, tmp_path):
        other = bytes(len(BODY))
        with pytest.raises(NetworkError, match="DIGEST_INVALID") as caught:
            push(registry, tmp_path, replace(ITEM, open=lambda: io.BytesIO(other)))
        assert "cache check" in caught.value.hint
        assert registry.received() == len(BODY)

    def test_a_session_that_was_damaged_is_begun_anew(self, registry, tmp_path):
        registry.faults += [
            Fault("^PATCH", "drop", after=1),
            Fault("^GET.*uploads", "wait", size=50),
        ]
        thread = threading.Thread(target=damage, args=(registry,))
        thread.start()
        push(registry, tmp_path)
        thread.join()
        assert registry.blobs[ITEM.digest] == BODY
        assert len(registry.asked("POST")) == 2


def damage(registry: Registry) -> None:
    """Change a byte of what an upload has sent, after it was cut."""
    while not registry.asked("GET", "/uploads/"):
        time.sleep(0.001)
    (held,) = registry.sessions.values()
    held[5] ^= 1


class TestAcrossProcesses:
    def test_goes_on_where_another_was_killed(self, registry, tmp_path):
        registry.faults += [Fault("^PATCH", "drop", after=2)]
        with pytest.raises(NetworkError):
            push(registry, tmp_path, retries=0)
        registry.faults.clear()
        (path,) = (tmp_path / "store" / "facts" / "upload").iterdir()
        # Its address may be signed, so nobody else may read it.
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        (done,) = push(registry, tmp_path)
        assert registry.blobs[ITEM.digest] == BODY
        assert registry.received() == len(BODY)
        assert done.sent < len(BODY)
        assert len(registry.asked("POST")) == 1
        assert not path.exists()

    def test_a_session_that_is_gone_is_begun_anew(self, registry, tmp_path):
        registry.faults += [Fault("^PATCH", "drop", after=1)]
        with pytest.raises(NetworkError):
            push(registry, tmp_path, retries=0)
        registry.faults.clear()
        registry.sessions.clear()
        push(registry, tmp_path)
        assert registry.blobs[ITEM.digest] == BODY

    def test_what_is_kept_may_be_nonsense(self, registry, tmp_path):
        registry.faults += [Fault("^PATCH", "drop", after=1)]
        with pytest.raises(NetworkError):
            push(registry, tmp_path, retries=0)
        registry.faults.clear()
        (path,) = (tmp_path / "store" / "facts" / "upload").iterdir()
        for kept in ("", "[]", '{"location": 1}', '{"location": "", "least": "x"}'):
            path.write_text(kept)
            push(registry, tmp_path)
            assert registry.blobs.pop(ITEM.digest) == BODY
            registry.holds.clear()

    def test_another_blob_is_not_confused_with_it(self, registry, tmp_path):
        registry.faults += [Fault("^PATCH", "drop", after=1)]
        with pytest.raises(NetworkError):
            push(registry, tmp_path, retries=0)
        registry.faults.clear()
        other = content(350_000, 5)
        push(registry, tmp_path, upload(other))
        assert registry.received() == CHUNK + len(other)
        assert registry.blobs[upload(other).digest] == other


class TestStopping:
    def test_the_first_error_ends_the_others(self, registry, tmp_path):
        items = [upload(content(50_000, number)) for number in range(40)]
        bad = upload(content(50_000, 99))
        registry.faults += [
            Fault(bad.digest.replace("sha256:", ""), "answer", status=403),
            Fault("^POST", "wait", times=99, size=20),
        ]
        with pytest.raises(NetworkError, match="403"):
            push(registry, tmp_path, *items[:3], bad, *items[3:])
        time.sleep(0.05)
        assert len(registry.blobs) < 20

    def test_ctrl_c_ends_them_and_the_next_push_goes_on(self, registry, tmp_path):
        registry.faults += [Fault("^PATCH", "wait", after=2, size=30_000)]
        words = [sys.executable, "-c", PUSHES, registry.host, str(tmp_path)]
        process = subprocess.Popen(words, stderr=subprocess.PIPE)
        while len(registry.asked("PATCH")) < 3:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=10)
        assert b"KeyboardInterrupt" in said
        registry.faults.clear()
        (done,) = push(registry, tmp_path)
        assert hashlib.sha256(registry.blobs[ITEM.digest]).hexdigest() in done.digest
        assert done.sent == len(BODY) - 2 * CHUNK
