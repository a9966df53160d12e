"""Files change at once or not at all, and only from what was read."""

from __future__ import annotations

import json
import os
import resource
import signal

import pytest

from firstlight.errors import UsageError
from firstlight.lint.baseline import read_baseline
from firstlight.lint.write import diff, put, put_back, uninterrupted


def test_a_file_keeps_its_mode(tmp_path):
    path = tmp_path / "a.md"
    path.write_bytes(b"old")
    path.chmod(0o640)
    assert put_back(path, b"old", b"new") == ""
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_one(tmp_path):
    (tmp_path / "a.md").write_bytes(b"old")
    (tmp_path / "b.md").symlink_to("a.md")
    assert put_back(tmp_path / "b.md", b"old", b"new") == ""
    assert (tmp_path / "b.md").is_symlink()
    assert (tmp_path / "a.md").read_bytes() == b"new"


def test_a_name_may_be_as_long_as_names_can_be(tmp_path):
    path = tmp_path / f"{'页' * 84}.md"
    path.write_bytes(b"old")
    assert put_back(path, b"old", b"new") == ""
    assert path.read_bytes() == b"new"


def test_a_read_only_file_is_left_alone(tmp_path):
    path = tmp_path / "a.md"
    path.write_bytes(b"old")
    path.chmod(0o444)
    assert put_back(path, b"old", b"new") == "it is read-only"
    assert path.read_bytes() == b"old"


def test_a_page_of_two_names_is_mended_once(tmp_path):
    (tmp_path / "a.md").write_bytes(b"old")
    (tmp_path / "b.md").symlink_to("a.md")
    assert put_back(tmp_path / "a.md", b"old", b"new") == ""
    assert put_back(tmp_path / "b.md", b"old", b"new") == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_file_keeps_its_owner(tmp_path):
    path = tmp_path / "a.md"
    path.write_bytes(b"old")
    os.chown(path, 1234, 1234)
    put(path, b"new")
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 1234)


def test_what_is_no_plain_file_is_written_to_as_it_is(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    put(pipe, b"log")
    assert os.read(reader, 9) == b"log"
    os.close(reader)
    assert pipe.is_fifo()


def test_a_new_file_can_be_read_as_others_can(tmp_path):
    before = os.umask(0o027)
    try:
        put(tmp_path / "log.sarif", b"{}")
    finally:
        os.umask(before)
    assert (tmp_path / "log.sarif").stat().st_mode & 0o777 == 0o640


def test_an_interrupt_waits_until_a_file_is_whole(tmp_path):
    path = tmp_path / "a.md"
    with pytest.raises(KeyboardInterrupt), uninterrupted():
        os.kill(os.getpid(), signal.SIGINT)
        put(path, b"whole")
    assert path.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_leaves_no_trace(tmp_path):
    path = tmp_path / "a.md"
    path.write_bytes(b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2, limits[1]))
    try:
        assert put_back(path, b"old", b"newer") == "File too large"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_changed_or_went_is_left_alone(tmp_path):
    path = tmp_path / "a.md"
    path.write_bytes(b"other")
    assert put_back(path, b"old", b"new") == "it changed while it was checked"
    assert path.read_bytes() == b"other"
    assert put_back(tmp_path / "b.md", b"old", b"new") == "No such file or directory"


def test_a_diff_shows_lines_as_they_are():
    shown = diff("a.md", "一\r\nold\r\nend".encode(), "一\r\nnew\r\nend".encode())
    assert shown == (
        "--- a/a.md\n+++ b/a.md\n@@ -1,3 +1,3 @@\n 一\r\n-old\r\n+new\r\n"
        " end\n\\ No newline at end of file\n"
    )


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"version": 9}', '{"version": 1, "pages": {"a": 1}}']
)
def test_what_is_no_baseline_is_told(tmp_path, text):
    path = tmp_path / "known.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"known\.json is no baseline") as caught:
        read_baseline(path)
    assert "--write-baseline known.json" in caught.value.hint


def test_a_baseline_that_is_not_there_is_told(tmp_path):
    with pytest.raises(UsageError, match="No such file"):
        read_baseline(tmp_path / "known.json")


def test_a_baseline_is_sorted_for_reviewers(tmp_path):
    from firstlight.lint.baseline import write_baseline
    from lint.test_result import place

    path = tmp_path / "known.json"
    write_baseline(path, [place("b", "b"), place("a", "a"), place("b", "b")])
    table = json.loads(path.read_text())
    assert sorted(table["pages"]["a.md"]["a.b"].values()) == [1, 2]
    assert path.read_text() == json.dumps(table, indent=1, sort_keys=True) + "\n"
