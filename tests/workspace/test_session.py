"""Starting and ending a workspace: all of it that no engine is needed for."""

from __future__ import annotations

import io
import os
import socket
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from firstlight import digest
from firstlight.engine.base import Port, State
from firstlight.engine.table import ENGINES
from firstlight.errors import EngineError
from firstlight.oci.model import Image, Layer
from firstlight.progress import Progress
from firstlight.store import Store
from firstlight.workspace import session
from firstlight.workspace.place import Place, Record
from firstlight.workspace.wish import Wish

KEYS = ("ssh-ed25519 AAAA me",)
PASSWD = "root:x:0:0:root:/root:/bin/bash\nuser:x:1000:1000:,,,:/home/user:/bin/bash\n"
GROUP = "root:x:0:user\nuser:x:1000:\nusers:x:100:\n"


def _quiet(_: str) -> None:
    """Who says nothing."""


def record(engine: str = "sandbox", **ports: int) -> Record:
    """What was started before."""
    return Record(
        engine=engine,
        container="1:1",
        image="sha256:1",
        plan="sha256:2",
        project="/project",
        ports=tuple(
            Port(name=name, inside=1, outside=outside)
            for name, outside in ports.items()
        ),
    )


@pytest.fixture
def free() -> Callable[[], int]:
    """Ports that nobody has."""

    def find() -> int:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port: int = server.getsockname()[1]
            return port

    return find


# Ports


def test_ports_are_those_of_last_time(free: Callable[[], int]) -> None:
    before = record(jupyter=free(), ssh=free())
    chosen = session.choose_ports(before, Wish(keys=KEYS), _quiet)
    assert [(p.name, p.inside) for p in chosen] == [("jupyter", 8888), ("ssh", 2222)]
    assert [p.outside for p in chosen] == [p.outside for p in before.ports]


def test_a_port_that_was_asked_for_counts_more(free: Callable[[], int]) -> None:
    wanted = free()
    wish = Wish(keys=KEYS, ports={"jupyter": wanted, "ssh": 0})
    chosen = session.choose_ports(record(jupyter=free(), ssh=free()), wish, _quiet)
    assert [(p.name, p.outside) for p in chosen] == [("jupyter", wanted)]


def test_without_a_key_there_is_no_ssh(free: Callable[[], int]) -> None:
    before = record(jupyter=free(), ssh=free())
    chosen = session.choose_ports(before, Wish(), _quiet)
    assert [port.name for port in chosen] == ["jupyter"]


def test_two_servers_do_not_get_one_port(free: Callable[[], int]) -> None:
    told: list[str] = []
    port = free()
    wish = Wish(keys=KEYS, ports={"jupyter": port, "ssh": port})
    first, second = session.choose_ports(None, wish, told.append)
    assert first.outside == port
    assert second.outside > port
    assert told == [f"port {port} is taken: using {second.outside}"]


def test_ports_of_what_ends_first_are_kept() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        wish = Wish(ports={"jupyter": port})
        (chosen,) = session.choose_ports(None, wish, _quiet, held=[port])
    assert chosen.outside == port


def test_servers_listen_where_that_was_asked_for(free: Callable[[], int]) -> None:
    wish = Wish(keys=KEYS, address="0.0.0.0", ports={"jupyter": free(), "ssh": free()})
    chosen = session.choose_ports(None, wish, _quiet)
    assert {port.address for port in chosen} == {"0.0.0.0"}


# Accounts


@pytest.fixture
def peopled(image: Image, store: Store) -> Image:
    """An image with tables of accounts."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, text in (("etc/passwd", PASSWD), ("etc/group", GROUP)):
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    plain = out.getvalue()
    layer = Layer(
        digest=store.put(plain),
        diff_id=digest.of_bytes(plain),
        size=len(plain),
        title="system files",
    )
    return replace(image, layers=(layer,))


def test_the_person_gets_their_own_numbers(
    peopled: Image, place: Place, store: Store
) -> None:
    stranger = replace(place, owner=(4321, 4322))
    wish = Wish(engine="podman")
    session.write_accounts(peopled, stranger, wish, store)
    assert place.passwd.read_text() == PASSWD.replace("1000:1000", "4321:4322")
    assert place.group.read_text() == GROUP.replace("1000", "4322")
    # Every program inside reads them, whoever it runs as.
    assert place.passwd.stat().st_mode & 0o777 == 0o644


def test_who_is_the_images_own_user_needs_no_tables(
    peopled: Image, place: Place, store: Store
) -> None:
    own = replace(place, owner=(1000, 1000))
    for engine in ("podman", "sandbox"):
        session.write_accounts(peopled, own, Wish(engine=engine), store)
    assert not place.passwd.exists()
    assert not place.group.exists()


# What is there


def test_nothing_is_found_where_nothing_was_started(place: Place) -> None:
    assert session.find(place) is None
    place.keep(record())
    assert session.find(place) is None


def test_down_where_nothing_was_started_makes_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    never = replace(place, folder=tmp_path / "never", key="0" * 16)
    assert session.down(never, Progress()) is False
    assert not never.folder.exists()
    place.keep(record())
    place.make_token()
    assert session.down(place, Progress()) is False
    assert {path.name for path in place.folder.iterdir()} == {"home"}


def test_an_engine_that_has_gone_is_told_when_it_is_asked(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    place.keep(record("podman"))
    with pytest.raises(EngineError, match="cannot start podman"):
        session.find(place)


def test_an_engine_that_has_gone_does_not_keep_another_from_starting(
    image: Image,
    place: Place,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """It comes as far as the image, which this machine cannot run."""
    monkeypatch.setenv("PATH", str(tmp_path))
    place.keep(record("docker"))
    foreign = replace(image, platform="linux/s390x")
    with pytest.raises(
        EngineError, match="the sandbox cannot run tiny for linux/s390x"
    ):
        session.up(foreign, place, Wish(), store=store, progress=Progress())


def test_what_cannot_be_loaded_leaves_alone_what_runs(
    image: Image, place: Place, store: Store
) -> None:
    place.keep(record())
    token = place.make_token()
    (place.fleeting / "work").touch()
    foreign = replace(image, platform="linux/s390x")
    with pytest.raises(EngineError):
        session.up(foreign, place, Wish(), store=store, progress=Progress())
    assert place.record() == record()
    assert place.known_token() == token
    assert (place.fleeting / "work").exists()
    with place.alone():  # And it does not hold the place any more.
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root works in others' projects")
def test_in_a_sandbox_roots_files_stay_its_own(
    image: Image, place: Place, store: Store
) -> None:
    """Inside it has no rights over others' files, and could not open its own home."""
    os.chown(place.project, 4321, 4321)
    theirs = replace(place, owner=(4321, 4321))
    theirs.make()
    assert place.home.stat().st_uid == 4321
    foreign = replace(image, platform="linux/s390x")
    with pytest.raises(EngineError):
        session.up(foreign, theirs, Wish(), store=store, progress=Progress())
    assert place.home.stat().st_uid == 0
    for engine in ("docker", "podman"):
        assert ENGINES[engine].outer_user((4321, 4321)) == (4321, 4321)


def test_a_session_knows_its_ports() -> None:
    found = session.Session(
        record=record(ssh=2223),
        state=State(id="1:1", image="sha256:1", running=True),
        token="",
        started=False,
    )
    ssh = found.port("ssh")
    assert ssh is not None
    assert ssh.outside == 2223
    assert found.port("jupyter") is None
