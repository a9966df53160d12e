"""The store stays right when processes race, die, or run out of disk."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from firstlight.digest import Digest, of_bytes
from firstlight.errors import DigestError, StoreError
from firstlight.store import Store, remove_tree


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "store")


def blobs(store: Store) -> list[Path]:
    return list((store.root / "blobs/sha256").iterdir())


def unfinished(store: Store) -> list[Path]:
    return [p for p in (store.root / "tmp").iterdir() if p.suffix != ".lock"]


def python(script: str, *words: object) -> subprocess.Popen[str]:
    start = (
        "import sys; from pathlib import Path; from firstlight.store import Store\n"
        "store = Store.open(Path(sys.argv[1]))\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", start + script, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


class TestBlobs:
    def test_are_found_by_digest(self, store):
        digest = store.put(b"abc")
        assert digest == of_bytes(b"abc")
        assert store.has(digest, 3)
        with store.read(digest) as stream:
            assert stream.read() == b"abc"
        assert store.put(b"abc") == digest

    def test_cannot_be_written_by_accident(self, store):
        assert store.path(store.put(b"abc")).stat().st_mode & 0o222 == 0

    def test_with_other_bytes_are_refused_and_leave_nothing(self, store):
        with (
            pytest.raises(DigestError, match=r"a\.whl"),
            store.writing(of_bytes(b"abc"), "a.whl") as out,
        ):
            out.write(b"abd")
        assert blobs(store) == unfinished(store) == []

    def test_of_a_block_that_failed_leave_nothing(self, store):
        with pytest.raises(ZeroDivisionError), store.writing() as out:
            out.write(b"abc")
            _ = 1 / 0
        assert blobs(store) == unfinished(store) == []

    def test_that_lost_their_end_count_as_absent(self, store):
        digest = store.put(b"abc")
        store.path(digest).chmod(0o644)
        store.path(digest).write_bytes(b"ab")
        assert not store.has(digest, 3)
        assert store.put(b"abc") == digest
        assert store.has(digest, 3)

    def test_altered_at_the_same_size_count_as_absent(self, store):
        digest = store.put(b"abc")
        store.path(digest).chmod(0o644)
        store.path(digest).write_bytes(b"abd")
        assert not store.has(digest, 3)
        assert not store.path(digest).exists()

    def test_only_touched_are_hashed_again_and_kept(self, store):
        digest = store.put(b"abc")
        os.utime(store.path(digest), (1, 1))
        assert store.has(digest)

    def test_absent_are_named_with_the_next_step(self, store):
        with pytest.raises(StoreError, match="not in the store") as caught:
            store.read(of_bytes(b"nothing"))
        assert "again" in caught.value.hint


class TestFacts:
    def test_come_back(self, store):
        store.record("wheel", of_bytes(b"a"), {"b": [1]})
        assert store.fact("wheel", of_bytes(b"a")) == {"b": [1]}
        assert store.fact("wheel", "other") is None

    def test_damaged_count_as_absent(self, store):
        store.record("wheel", "a", 1)
        (store.root / "facts/wheel/a.json").write_bytes(b"\xff{")
        assert store.fact("wheel", "a") is None


class TestFolders:
    def test_appear_complete_or_not_at_all(self, store):
        target = store.root / "trees" / "a"
        with pytest.raises(ZeroDivisionError), store.folder(target) as folder:
            (folder / "file").touch()
            _ = 1 / 0
        assert not target.exists()
        with store.folder(target) as folder:
            (folder / "file").touch()
        assert (target / "file").exists()
        assert unfinished(store) == []

    def test_the_first_one_stays(self, store):
        target = store.root / "trees" / "a"
        with store.folder(target) as folder:
            (folder / "file").write_text("mine")
            target.mkdir(parents=True)
            (target / "file").write_text("theirs")
        assert (target / "file").read_text() == "theirs"

    def test_without_write_bits_are_removed(self, tmp_path):
        (tmp_path / "a/b").mkdir(parents=True)
        (tmp_path / "a/b/c").touch()
        (tmp_path / "a/b").chmod(0o500)
        remove_tree(tmp_path / "a")
        assert not (tmp_path / "a").exists()


class TestTwoProcesses:
    def test_writing_the_same_blobs_agree(self, store):
        script = "for n in range(200): store.put(str(n).encode() * 1000)"
        processes = [python(script, store.root) for _ in range(2)]
        for process in processes:
            _, told = process.communicate(timeout=60)
            assert process.returncode == 0, told
        assert len(blobs(store)) == 200
        for path in blobs(store):
            assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
        assert unfinished(store) == []

    def test_updating_one_file_lose_no_change(self, store):
        script = (
            "for n in range(100): store.update(store.root / 'count',"
            " lambda old: str(int(old or b'0') + 1).encode())"
        )
        processes = [python(script, store.root) for _ in range(2)]
        for process in processes:
            process.communicate(timeout=60)
        assert (store.root / "count").read_bytes() == b"200"

    def test_do_the_same_work_one_after_the_other(self, store):
        order: list[str] = []

        def work() -> None:
            with store.once("work"):
                order.append("in")
                time.sleep(0.02)
                order.append("out")

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert order == ["in", "out"] * 3

    def test_pruning_waits_for_builds(self, store):
        done = threading.Event()

        def prune() -> None:
            with store.held(exclusive=True):
                done.set()

        with store.held(), store.held():
            thread = threading.Thread(target=prune)
            thread.start()
            assert not done.wait(0.1)
        assert done.wait(5)
        thread.join()


def test_a_killed_process_leaves_nothing_that_counts(store):
    script = (
        "print('go', flush=True)\n"
        "n = 0\n"
        "while True:\n"
        "    n += 1\n"
        "    store.put(str(n).encode() * 100_000)\n"
    )
    for pause in (0.0, 0.01, 0.05, 0.1):
        process = python(script, store.root)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(pause)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    for path in blobs(store):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
        assert store.has(Digest(f"sha256:{path.name}"))
    assert store.has(store.put(b"1" * 100_000))


class TestDisk:
    def test_that_is_full_is_told_and_nothing_is_left(self, tmp_path):
        mounted = tmp_path / "small"
        mounted.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(mounted)]
        try:
            done = subprocess.run(mount, capture_output=True, check=False)
        except FileNotFoundError:
            pytest.skip("no mount program: only root can make a disk this small")
        if done.returncode:
            pytest.skip("only root can mount a disk this small")
        try:
            store = Store.open(mounted / "store")
            with pytest.raises(StoreError, match="No space left") as caught:
                store.put(os.urandom(2 << 20))
            assert "cache prune" in caught.value.hint
            assert blobs(store) == unfinished(store) == []
            assert store.has(store.put(b"small"))
        finally:
            subprocess.run(["umount", str(mounted)], check=True)

    def test_that_refuses_to_grow_a_file_is_told(self, store):
        script = (
            "import resource, signal\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
            "try: store.put(bytes(200_000))\n"
            "except Exception as error: print(type(error).__name__, error.hint)\n"
        )
        told, errors = python(script, store.root).communicate(timeout=30)
        assert told.startswith("StoreError set FIRSTLIGHT_STORE"), errors
        assert blobs(store) == unfinished(store) == []

    def test_a_folder_that_is_a_file_is_told(self, tmp_path):
        (tmp_path / "store").touch()
        with pytest.raises(StoreError, match="opening the store") as caught:
            Store.open(tmp_path / "store")
        assert "FIRSTLIGHT_STORE" in caught.value.hint


def test_is_an_image_layout_other_tools_can_read(store):
    assert json.loads((store.root / "oci-layout").read_text()) == {
        "imageLayoutVersion": "1.0.0"
    }
