"""Starts a workspace, finds it again, and ends it without leaving anything."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import asdict, dataclass, replace

from firstlight import proc
from firstlight.digest import Digest, of_bytes
from firstlight.engine.base import Engine, Port, State
from firstlight.engine.table import ENGINES
from firstlight.errors import EngineError
from firstlight.leases import lease
from firstlight.oci.model import Image, canonical_json
from firstlight.oci.peek import read_file
from firstlight.progress import Progress
from firstlight.store import Store
from firstlight.workspace import jupyter, ports, ssh
from firstlight.workspace.place import Place, Record
from firstlight.workspace.wish import (
    Wish,
    has_own_accounts,
    workspace_plan,
)

__all__ = ["Session", "choose_ports", "down", "find", "up", "write_accounts"]

_READY_SECONDS = 90.0
_STEP_SECONDS = 0.05
_SETTLED_SECONDS = 0.5
_LOG_LINES = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A workspace that runs: where it is, and whether this call started it."""

    record: Record
    state: State
    token: str
    started: bool

    def port(self, name: str) -> Port | None:
        """Return the port of a server, None when that does not run."""
        return next((each for each in self.record.ports if each.name == name), None)


def up(
    image: Image, place: Place, wish: Wish, *, store: Store, progress: Progress
) -> Session:
    """Start the workspace, unless one that is just so runs already.

    Raises:
        EngineError: when the engine refuses, or a server does not come up; with the
            last lines that it wrote.
    """
    engine = ENGINES[wish.engine]
    place = replace(place, owner=engine.outer_user(place.owner))
    place.make()
    with place.alone(), lease(store, image.id):
        running = _same(image, place, wish)
        if running is not None:
            _let_in(running, place, wish)
            return running
        # Loaded first: what runs may go on until then.
        loaded = engine.load(image, store, progress)
        before = place.record()
        _end_all(place, progress, also=wish.engine)
        with progress.task("start", place.name):
            try:
                session = _start(image, loaded, place, wish, before, store, progress)
                _wait(session, engine, place)
                if session.port("ssh") is not None:
                    home = place.fleeting if wish.ephemeral else place.home
                    place.write(place.known_hosts, ssh.known_host(place.name, home))
            except BaseException:
                _end_all(place, progress)
                place.forget()
                raise
        return session


def find(place: Place) -> Session | None:
    """Return the workspace if its container is there, running or not.

    Raises:
        EngineError: when its engine does not answer.
    """
    record = place.record()
    if record is None:
        return None
    for state in ENGINES[record.engine].find(place.key):
        if state.id == record.container:
            return Session(
                record=record, state=state, token=place.known_token(), started=False
            )
    return None


def down(place: Place, progress: Progress) -> bool:
    """End the workspace; whether there was one. The home folder stays."""
    if not place.folder.is_dir():
        return _end_all(place, progress)
    with place.alone():
        ended = _end_all(place, progress)
        place.forget()
        return ended


# Starting


def _start(
    image: Image,
    loaded: str,
    place: Place,
    wish: Wish,
    before: Record | None,
    store: Store,
    progress: Progress,
) -> Session:
    place.begin()
    token = place.make_token()
    place.write(place.keys, _lines(wish.keys))
    write_accounts(image, place, wish, store)
    chosen = choose_ports(before, wish, progress.say)
    plan = workspace_plan(image, place, wish, chosen)
    # An engine may know the image by another ID than we do.
    plan = replace(plan, image=replace(image, id=Digest(loaded)))
    place.make_points(plan.mounts)
    state = ENGINES[wish.engine].start(plan, store)
    record = Record(
        engine=wish.engine,
        container=state.id,
        image=image.id,
        plan=_fingerprint(image, place, wish),
        project=str(place.project),
        ports=chosen,
    )
    place.keep(record)
    return Session(record=record, state=state, token=token, started=True)


def choose_ports(
    before: Record | None,
    wish: Wish,
    say: Callable[[str], None],
    *,
    held: Collection[int] = (),
) -> tuple[Port, ...]:
    """Choose free ports, the ones of last time before the usual ones.

    `held` are ports of a workspace that ends before the next one starts.
    """
    last = {each.name: each.outside for each in before.ports} if before else {}
    chosen: list[Port] = []
    for name, usual in ports.DEFAULTS.items():
        wanted = wish.ports.get(name, usual)
        if not wanted or (name == "ssh" and not wish.keys):
            continue
        if name not in wish.ports:
            wanted = last.get(name, wanted)
        outside = ports.choose(
            wanted,
            address=wish.address,
            taken={each.outside for each in chosen},
            held=held,
            say=say,
        )
        chosen.append(
            Port(name=name, inside=usual, outside=outside, address=wish.address)
        )
    return tuple(chosen)


def write_accounts(image: Image, place: Place, wish: Wish, store: Store) -> None:
    """Write the image's tables of accounts with the person's numbers for `user`."""
    if not has_own_accounts(place, wish):
        return
    uid, gid = ENGINES[wish.engine].inner_user(place.owner)
    for path, numbers in ((place.passwd, (uid, gid)), (place.group, (gid,))):
        text = read_file(image, store, f"etc/{path.name}")
        rows = [row.split(":") for row in text.split("\n")]
        for row in rows:
            if row[0] == "user":
                row[2 : 2 + len(numbers)] = map(str, numbers)
        place.write(path, "\n".join(":".join(row) for row in rows))
        path.chmod(0o644)


def _wait(session: Session, engine: Engine, place: Place) -> None:
    """Wait until every server answers.

    Raises:
        EngineError: when the container ends first, or a server is silent for long.
    """
    checks: dict[str, Callable[[Port], bool]] = {
        "jupyter": lambda port: jupyter.answers(port, session.token),
        "ssh": _greets,
    }
    waiting = list(session.record.ports)
    if not waiting:
        time.sleep(_SETTLED_SECONDS)  # Nobody will answer; what fails, fails at once.
        if not _runs(session, engine, place):
            raise _silent(session, engine, f"{place.name} ended at once")
    end = time.monotonic() + _READY_SECONDS
    step = 0
    while waiting:
        waiting = [port for port in waiting if not checks[port.name](port)]
        step += 1
        if waiting and step % 10 == 0 and not _runs(session, engine, place):
            raise _silent(session, engine, f"{place.name} ended at once")
        if waiting and time.monotonic() > end:
            names = ", ".join(port.name for port in waiting)
            raise _silent(session, engine, f"{names} did not answer in 90 s")
        if waiting:
            time.sleep(_STEP_SECONDS)


def _greets(port: Port) -> bool:
    try:
        with socket.create_connection((port.host, port.outside), timeout=2) as server:
            return server.recv(4) == b"SSH-"
    except OSError:
        return False


def _runs(session: Session, engine: Engine, place: Place) -> bool:
    return any(
        state.running
        for state in engine.find(place.key)
        if state.id == session.state.id
    )


def _silent(session: Session, engine: Engine, what: str) -> EngineError:
    command = engine.logs(session.state, follow=False)
    done = proc.capture(command.command, env=command.full_environment)
    lines = (done.stdout + done.stderr).strip().splitlines()[-_LOG_LINES:]
    told = "".join(f"\n  {line}" for line in lines)
    return EngineError(f"{what}{told}", hint="the lines above are the last it wrote")


# What is there already


def _fingerprint(image: Image, place: Place, wish: Wish) -> str:
    """A digest of all that a running container cannot change afterwards."""
    other = asdict(replace(wish, mounts=(), keys=()))
    content = {
        "image": image.id,
        "wish": {**other, "mounts": str(wish.mounts)},
        "owner": place.owner,
    }
    return of_bytes(canonical_json(content))


def _same(image: Image, place: Place, wish: Wish) -> Session | None:
    """Return the workspace that runs, if it is what a new one would be, and well."""
    found = None
    with suppress(EngineError):  # Its engine has gone; the wish may be another one.
        found = find(place)
    if found is None or not found.state.running or not found.token:
        return None
    if found.record.plan != _fingerprint(image, place, wish):
        return None
    port = found.port("jupyter")
    if port is not None and not jupyter.answers(port, found.token):
        return None
    return found


def _let_in(running: Session, place: Place, wish: Wish) -> None:
    """Let in the keys of today: another agent is no reason to start anew."""
    if wish.keys and running.port("ssh") is not None:
        place.change(place.keys, _lines(wish.keys))


def _lines(keys: Collection[str]) -> str:
    return "".join(f"{key}\n" for key in keys)


def _end_all(place: Place, progress: Progress, *, also: str = "") -> bool:
    """End every container of the project.

    What was started last says under which engine they are; where that is lost, every
    engine that is here is asked. `also` names one that is asked in any case.
    """
    record = place.record()
    ended = False
    for name, engine in ENGINES.items():
        if record is not None and name not in (record.engine, also):
            continue
        if engine.trouble():
            continue
        for state in engine.find(place.key):
            if state.running:
                progress.say(f"ending {place.name} ({name})")
            engine.stop(state)
            ended = True
    return ended
