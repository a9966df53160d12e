"""Where a workspace is kept: for one person alone, whole or not at all."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import textwrap
import threading
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstlight.engine.base import Port
from firstlight.errors import StoreError
from firstlight.workspace.place import Place, Record, place_of, places

RECORD = Record(
    engine="docker",
    container="c" * 64,
    image="sha256:" + "a" * 64,
    plan="sha256:" + "b" * 64,
    project="/project",
    ports=(Port(name="ssh", inside=2222, outside=2223),),
)
SIGNS = st.characters(exclude_characters="/\0", exclude_categories=["Cs"])
AS_ROOT = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can be somebody else and own their files"
)


IMPORTS = """
import os, signal, sys, time
from pathlib import Path
from firstlight.errors import StoreError
from firstlight.workspace.place import place_of
"""


def words(program: str, *more: object, uid: int | None = None) -> list[str]:
    """The command of a Python program that becomes somebody once all is imported."""
    become = f"os.setgroups([]); os.setgid({uid}); os.setuid({uid})"
    lines = [IMPORTS, become if uid else "", textwrap.dedent(program)]
    return [sys.executable, "-c", "\n".join(lines), *map(str, more)]


def run(program: str, *more: object, uid: int | None = None, **environ: str) -> str:
    """Run it to a good end and return what it prints."""
    done = subprocess.run(
        words(program, *more, uid=uid),
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# Names and keys


@given(name=st.text(SIGNS, min_size=1, max_size=40))
def test_names_fit_containers_and_hosts(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project = tmp_path_factory.mktemp("names") / name
    try:
        project.mkdir(exist_ok=True)
    except OSError:
        return  # No file system takes it.
    made = place_of(project)
    assert re.fullmatch(r"firstlight-[a-z0-9][a-z0-9-]*[a-z0-9]", made.name)
    assert len(made.name) <= 63
    assert re.fullmatch(r"[0-9a-f]{16}", made.key)


def test_two_projects_have_two_keys(tmp_path: Path) -> None:
    one, two = tmp_path / "one/same", tmp_path / "two/same"
    for folder in (one, two):
        folder.mkdir(parents=True)
    assert place_of(one).key != place_of(two).key
    assert place_of(one).name != place_of(two).name
    link = tmp_path / "link"
    link.symlink_to(one)
    assert place_of(link) == place_of(one)


WHO = """
    place = place_of(Path(sys.argv[1]))
    print(place.key, place.name, *place.owner)
"""


@AS_ROOT
def test_two_people_at_one_project_do_not_meet() -> None:
    """Each works as themselves: what is mounted for them, the other may not read."""
    told = [run(WHO, "/usr", uid=uid).split() for uid in (4321, 4322)]
    (key, name, *owner), (other_key, other_name, *other_owner) = told
    assert key != other_key
    assert name != other_name
    assert owner == ["4321", "4321"]
    assert other_owner == ["4322", "4322"]


def test_a_name_that_is_no_text_can_be_kept(tmp_path: Path) -> None:
    project = tmp_path / os.fsdecode(b"caf\xe9\n")
    project.mkdir()
    made = place_of(project, state=tmp_path / "state")
    made.make()
    made.keep(replace(RECORD, project=str(project)))
    assert [each.project for each in places(state=tmp_path / "state")] == [str(project)]


# Modes and owners


def test_nobody_else_may_read(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        made = place_of(tmp_path, state=tmp_path / "state")
        made.make()
        made.make_token()
        made.keep(RECORD)
        made.write(made.keys, "key\n")
    finally:
        os.umask(before)
    found = [made.folder, *made.folder.rglob("*")]
    modes = {path.name: path.stat().st_mode & 0o777 for path in found}
    folders = (made.folder.name, made.here.name, "home", "fleeting", "changes")
    assert modes == {
        **dict.fromkeys(folders, 0o700),
        **dict.fromkeys(("jupyter-token", "workspace.json", "authorized_keys"), 0o600),
    }


def test_a_folder_that_others_may_enter_is_closed(place: Place) -> None:
    place.folder.chmod(0o755)
    place.make()
    assert place.folder.stat().st_mode & 0o777 == 0o700


@AS_ROOT
def test_root_in_somebodys_project_leaves_that_persons_files(tmp_path: Path) -> None:
    project = tmp_path / "theirs"
    project.mkdir()
    os.chown(project, 1234, 1235)
    made = place_of(project, state=tmp_path / "state")
    assert made.owner == (1234, 1235)
    made.make()
    made.make_token()
    with made.passing_home() as passing:
        for path in (made.home, made.token, passing):
            assert (path.stat().st_uid, path.stat().st_gid) == (1234, 1235)


def test_a_state_that_cannot_be_made_says_what_to_set(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    made = replace(place_of(tmp_path), folder=tmp_path / "file/state")
    with pytest.raises(StoreError) as caught:
        made.make()
    assert "XDG_STATE_HOME" in caught.value.hint
    with pytest.raises(StoreError) as caught:
        made.make_token()
    assert "XDG_STATE_HOME" in caught.value.hint


# What is written


def test_every_token_is_new_and_long(place: Place) -> None:
    tokens = {place.make_token() for _ in range(5)}
    assert len(tokens) == 5
    for token in tokens:
        assert re.fullmatch(r"[\w-]{43,}", token, re.ASCII)
    assert place.known_token() in tokens
    place.forget()
    assert place.known_token() == ""


def test_a_token_that_is_no_text_is_lost(place: Place) -> None:
    place.token.write_bytes(b"\xff\xfe")
    assert place.known_token() == ""


def test_who_reads_while_it_is_written_sees_it_whole(place: Place) -> None:
    texts = [letter * 100_000 for letter in "ab"]
    place.write(place.keys, texts[0])
    seen: set[str] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add(place.keys.read_text())

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(200):
        place.write(place.keys, texts[number % 2])
    done.set()
    reader.join()
    assert seen <= set(texts)
    assert sorted(each.name for each in place.folder.glob(".*")) == []


def test_a_disk_that_is_full_leaves_the_file_as_it_was(place: Place) -> None:
    """A limit on the size of files is as good as a disk without room."""
    place.write(place.keys, "before")
    told = run(
        """
        import resource
        place = place_of(Path(sys.argv[1]), state=Path(sys.argv[2]))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            place.write(place.keys, "x" * 5000)
        except StoreError as error:
            print(error.message, error.hint)
        """,
        place.project,
        place.folder.parents[1],
    )
    assert f"cannot write {place.keys}: File too large" in told
    assert "free some space" in told
    assert place.keys.read_text() == "before"
    assert not list(place.folder.glob(".*"))


def test_what_is_written_is_utf8_everywhere(place: Place) -> None:
    run(
        """
        place = place_of(Path(sys.argv[1]), state=Path(sys.argv[2]))
        place.write(place.keys, "ssh-ed25519 AAAA \\u540d")
        """,
        place.project,
        place.folder.parents[1],
        LC_ALL="C",
        PYTHONUTF8="0",
        PYTHONCOERCECLOCALE="0",
    )
    assert place.keys.read_text(encoding="utf-8") == "ssh-ed25519 AAAA 名"


# What is kept and forgotten


def test_forgetting_keeps_the_home_folder(place: Place) -> None:
    (place.home / "note").write_text("kept")
    place.begin()
    (place.fleeting / "note").write_text("gone")
    place.keep(RECORD)
    place.forget()
    assert {path.name for path in place.folder.iterdir()} == {"home"}
    assert (place.home / "note").read_text() == "kept"


def test_machines_that_share_a_home_folder_do_not_meet(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The nodes of a cluster: what runs on one is no business of the other."""
    place.keep(RECORD)
    place.make_token()
    (place.changes / "log").write_text("mine")
    monkeypatch.setattr("platform.node", lambda: "Node 2/../x")
    other = place_of(place.project, state=place.folder.parents[1])
    assert (other.home, other.key) == (place.home, place.key)
    assert other.here.parent == place.folder
    assert other.record() is None
    assert list(places(state=place.folder.parents[1])) == []
    other.begin()
    other.keep(RECORD)
    other.forget()
    assert place.record() == RECORD
    assert place.known_token()
    assert (place.changes / "log").exists()


def test_a_file_that_is_mounted_is_changed_in_place(place: Place) -> None:
    place.write(place.keys, "one\ntwo\n")
    with place.keys.open() as mounted:
        place.change(place.keys, "three\n")
        assert mounted.read() == "three\n"
    place.keys.unlink()
    with pytest.raises(StoreError, match="cannot write"):
        place.change(place.keys, "four\n")


def test_a_passing_home_passes(place: Place) -> None:
    with place.passing_home() as one, place.passing_home() as two:
        assert one != two
        assert one.stat().st_mode & 0o777 == 0o700
        (one / "closed").mkdir()
        (one / "closed/file").touch()
        (one / "closed").chmod(0)
    assert not one.exists()
    assert not two.exists()


def test_a_record_is_read_as_it_was_kept(place: Place) -> None:
    assert place.record() is None
    place.keep(RECORD)
    assert place.record() == RECORD
    assert list(places(state=place.folder.parents[1])) == [RECORD]


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "{}", "null", "\xff", '{"ports": 3}', '{"ports": [3]}'),
        json.dumps({**asdict(RECORD), "engine": "of-a-newer-firstlight"}),
        json.dumps({**asdict(RECORD), "more": 1}),
        json.dumps({**asdict(RECORD), "ports": [{"name": "ssh"}]}),
    ],
)
def test_a_damaged_record_is_no_record(place: Place, text: str) -> None:
    (place.here / "workspace.json").write_bytes(text.encode("latin-1"))
    assert place.record() is None
    assert list(places(state=place.folder.parents[1])) == []


def test_what_an_overlay_left_is_removed(place: Place) -> None:
    place.begin()
    locked = place.changes / "work/work"
    locked.mkdir(parents=True)
    (place.changes / "upper").mkdir()
    (place.changes / "upper/link").symlink_to("/etc")
    locked.chmod(0)
    before = Path("/etc").stat().st_mode
    place.begin()
    assert list(place.changes.iterdir()) == []
    assert Path("/etc").stat().st_mode == before


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder where everybody may make files, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="firstlight-") as name:
        Path(name).chmod(0o777)
        yield Path(name)


@AS_ROOT
def test_what_cannot_be_removed_keeps_nobody_from_ending(open_folder: Path) -> None:
    """An engine's root may leave folders that the person may not even open."""
    program = """
        place = place_of(Path(sys.argv[1]), state=Path(sys.argv[2]))
        getattr(place, sys.argv[3])()
        print(place.fleeting)
    """
    both = (open_folder, open_folder / "state")
    fleeting = Path(run(program, *both, "begin", uid=4321).strip())
    (fleeting / "roots/own").mkdir(parents=True)
    run(program, *both, "forget", uid=4321)
    assert (fleeting / "roots/own").is_dir()


def test_processes_come_one_after_the_other(place: Place, tmp_path: Path) -> None:
    program = """
        place = place_of(Path(sys.argv[1]), state=Path(sys.argv[2]))
        with place.alone(), open(sys.argv[3], "a") as log:
            print("in", file=log, flush=True)
            time.sleep(0.2)
            print("out", file=log, flush=True)
    """
    log = tmp_path / "log"
    command = words(program, place.project, place.folder.parents[1], log)
    all_of_them = [subprocess.Popen(command) for _ in range(3)]
    assert [each.wait(30) for each in all_of_them] == [0, 0, 0]
    assert log.read_text().split() == ["in", "out"] * 3


def test_a_killed_process_holds_nobody_up(place: Place) -> None:
    program = """
        with place_of(Path(sys.argv[1]), state=Path(sys.argv[2])).alone():
            print("in", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    """
    command = words(program, place.project, place.folder.parents[1])
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "in\n"
    with place.alone():
        pass
