"""What counts: the command line over the spec's [workspace] over the defaults."""

from __future__ import annotations

import json
import platform
import shlex
from pathlib import Path

import pytest

from cli.started import SPEC, Ended, Firstlight
from firstlight.cli.wishes import limits, mounts, over
from firstlight.digest import of_bytes
from firstlight.engine.base import Limits, Mount
from firstlight.engine.bubblewrap import LOADERS
from firstlight.engine.containers import Containers
from firstlight.engine.table import ENGINES
from firstlight.errors import UsageError
from firstlight.lock import workspace_table
from firstlight.lock.lockfile import Lock, PlatformLock, Stack
from firstlight.lock.spec import read_spec
from firstlight.lock.text import dump_lock
from firstlight.lock.workspace_table import Workspace
from firstlight.oci.model import Image, Settings, config_json
from firstlight.pack.known import remember
from firstlight.store import Store
from firstlight.workspace import ports
from firstlight.workspace.place import place_of
from firstlight.workspace.wish import Wish, command_plan

PYLOCK = (
    'lock-version = "1.0"\ncreated-by = "test"\n[[packages]]\nname = "jupyterlab"\n'
)
MACHINE = "linux/arm64" if platform.machine() in ("aarch64", "arm64") else "linux/amd64"
SANDBOX = 'engine = "sandbox"\ngpus = "none"\n'


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """The store that the program uses."""
    return Store.open(tmp_path / "store")


@pytest.fixture
def image(store: Store) -> Image:
    """An image of nothing, "unpacked": a command that is only shown needs no more."""
    settings = Settings(environment=(), labels={}, command=("bash",))
    made = Image(
        name="tiny",
        platform=MACHINE,
        id=store.put(config_json(MACHINE, (), settings)),
        manifest=store.put(b"{}"),
        layers=(),
    )
    root = store.root / "roots" / made.id.removeprefix("sha256:")
    for name in (LOADERS[MACHINE][0], "usr/bin/env", "usr/bin/bwrap"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch(mode=0o755)
    return made


def write(project: Path, table: str) -> None:
    """Write a spec with this [workspace]."""
    (project / "firstlight.toml").write_text(f"{SPEC}[workspace]\n{table}")


@pytest.fixture
def built(project: Path, store: Store, image: Image) -> Path:
    """A project that is locked and built: `up` has nothing to do but to start it."""
    write(project, "")
    part = PlatformLock(
        platform=MACHINE,
        packages=of_bytes(b""),
        stack=Stack(),
        debs=(),
        image_id=image.id,
        manifest=image.manifest,
    )
    lock = Lock(
        name="tiny",
        spec=read_spec(project).digest,
        pylock=of_bytes(PYLOCK.encode()),
        python="3.11",
        suite="bookworm",
        profile="workspace",
        environment=(),
        archives=(),
        platforms=(part,),
    )
    (project / "firstlight.lock").write_text(dump_lock(lock))
    (project / "pylock.toml").write_text(PYLOCK)
    remember(lock, image, store)
    return project


def shown(done: Ended) -> list[str]:
    """The words of the command that was shown."""
    assert done.code == 0, done.err
    return shlex.split(done.out)


def mounted(words: list[str]) -> set[tuple[str, str, str]]:
    """How, what and where: the mounts of a command."""
    return {
        (words[i], words[i + 1], words[i + 2])
        for i, word in enumerate(words)
        if word in ("--bind", "--ro-bind")
    }


@pytest.mark.parametrize("command", [["up", "--dry-run"], ["run", "--dry-run", "true"]])
def test_mounts_of_spec_and_command_line_add_up(
    firstlight: Firstlight, built: Path, tmp_path: Path, command: list[str]
) -> None:
    """The spec's are relative to the project, an option's to where one is."""
    for name in ("data", "other", "models"):
        (built / name).mkdir()
        (tmp_path / name).mkdir()
    write(
        built,
        SANDBOX + 'mounts = ["data:/data", "~/models:/models:ro", "data:/old"]\n',
    )
    options = ["-v", "other:/old:ro", "--mount", "../data:/new"]
    done = firstlight(command[0], *options, *command[1:])
    found = mounted(shown(done))
    assert {
        ("--bind", "~/project/data", "/data"),
        ("--ro-bind", "~/models", "/models"),
        ("--ro-bind", "~/project/other", "/old"),
        ("--bind", "~/data", "/new"),
    } <= found
    assert ("--bind", "~/project/data", "/old") not in found
    # What somebody else may have written is told.
    assert "mount: ~/models at /models, read-only\n" in done.err
    assert "/new" not in done.err


def test_a_project_elsewhere_keeps_its_own_paths(
    firstlight: Firstlight, built: Path, tmp_path: Path
) -> None:
    (built / "data").mkdir()
    (tmp_path / "data").mkdir()
    write(built, SANDBOX + 'mounts = ["data:/data"]\n')
    built.rename(tmp_path / "moved")
    built.mkdir()
    (built / "data").mkdir()
    done = firstlight("-C", "../moved", "up", "--dry-run", "-v", "data:/here")
    assert {
        ("--bind", "~/moved/data", "/data"),
        ("--bind", "~/project/data", "/here"),
    } <= mounted(shown(done))


@pytest.mark.parametrize("command", [["up"], ["run", "true"]])
def test_a_source_that_is_missing_is_told_with_its_line(
    firstlight: Firstlight, built: Path, command: list[str]
) -> None:
    write(built, SANDBOX + 'mounts = ["firstlight.toml:/x", "no/data:/data"]\n')
    done = firstlight(command[0], "-v", "nope:/n:ro", *command[1:])
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "❌ Error: 2 mounts name what is not there\n"
        '  ❌ Error: firstlight.toml: workspace.mounts[1]: "no/data:/data": there is '
        "no ~/project/no/data [up.missing-source]\n"
        "    hint: make it, or change that line\n"
        '  ❌ Error: --mount: "nope:/n:ro": there is no ~/project/nope '
        "[up.missing-source]\n"
        "    hint: make it, or change that line\n"
    )


def test_a_missing_source_does_not_keep_one_from_locking(
    firstlight: Firstlight, built: Path
) -> None:
    write(built, 'mounts = ["no/data:/data"]\nmemory = "1g"\n')
    assert firstlight("lock", "--check").out == "the lock is up to date\n"


def test_the_engine_of_the_command_line_counts(
    firstlight: Firstlight, built: Path, tmp_path: Path
) -> None:
    write(built, 'engine = "podman"\ngpus = "none"\n')
    nothing = {"PATH": str(tmp_path)}
    done = firstlight("up", "--dry-run", **nothing)
    assert done.code == 8
    assert "podman cannot be used: podman is not installed" in done.err
    done = firstlight("up", "--dry-run", "--engine", "sandbox", **nothing)
    assert any(word.endswith("/bwrap") for word in shown(done))
    told = json.loads(firstlight("restart", "--json", **nothing).out)
    assert told["message"] == "nothing runs here"


@pytest.mark.parametrize("command", [["up", "--dry-run"], ["run", "--dry-run", "true"]])
def test_no_command_is_shown_for_an_image_that_was_never_unpacked(
    firstlight: Firstlight, built: Path, store: Store, command: list[str]
) -> None:
    write(built, SANDBOX)
    (store.root / "roots").rename(store.root / "other")
    done = firstlight(*command)
    assert done.code == 8
    assert "tiny was never unpacked here" in done.err
    assert "`firstlight run --engine sandbox -- true` unpacks it" in done.err


@pytest.mark.parametrize("command", [["up", "--dry-run"], ["run", "--dry-run", "true"]])
def test_the_gpus_of_the_command_line_count(
    firstlight: Firstlight, built: Path, command: list[str]
) -> None:
    write(built, 'engine = "sandbox"\ngpus = "997"\n')
    done = firstlight(*command)
    assert done.code == 8
    assert "no NVIDIA GPU matches gpus='997'" in done.err
    assert firstlight(command[0], "--gpus", "none", *command[1:]).code == 0


def test_ports_are_merged_server_by_server(firstlight: Firstlight, built: Path) -> None:
    write(built, SANDBOX + "ports = {jupyter = 0, ssh = 41234}\n")
    assert "FIRSTLIGHT_JUPYTER" not in firstlight("up", "--dry-run").out
    done = firstlight("up", "--dry-run", "--ports", "jupyter=41235")
    assert "FIRSTLIGHT_JUPYTER=127.0.0.1:41235" in done.out
    table = read_spec(built).workspace
    assert dict(over(table, ports="jupyter=41235").ports) == {
        "jupyter": 41235,
        "ssh": 41234,
    }
    assert dict(over(table).ports) == {"jupyter": 0, "ssh": 41234}


def test_a_sandbox_says_which_limits_it_cannot_keep(
    firstlight: Firstlight, built: Path
) -> None:
    write(built, SANDBOX + 'shm = "1g"\n')
    assert json.loads(firstlight("up", "--json", "--dry-run").out)["warnings"] == []
    write(built, SANDBOX + 'memory = "1g"\npids = 9\n')
    told = json.loads(firstlight("up", "--json", "--dry-run").out)
    (warning,) = told["warnings"]
    assert warning["code"] == "up.limits"
    assert "memory, pids of [workspace] will not hold" in warning["message"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--shm", "lots"], "--shm 'lots': write a size such as 512m or 8g"),
        (["--shm", ""], "--shm '': write a size such as 512m or 8g"),
        (["-v", "data"], '--mount: found "data", allowed is SOURCE:TARGET'),
        (["-v", ".:/workspace"], "firstlight itself needs /workspace"),
        (["--engine", "lxc"], "'lxc' is not one of"),
        (["--gpus", "both"], "--gpus 'both': write auto, all, none, or indices"),
        (["--gpus", ""], "--gpus '': write auto, all, none, or indices"),
        (["--gpus", "all,0"], "parts of a GPU (MIG) such as 0:1, or UUIDs"),
    ],
)
@pytest.mark.parametrize("command", ["up", "run"])
def test_an_option_that_is_wrong_is_told(
    firstlight: Firstlight, built: Path, command: str, options: list[str], said: str
) -> None:
    done = firstlight(command, *options, *(["true"] if command == "run" else []))
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_shared_switches_may_follow_the_values_of_options(
    firstlight: Firstlight, built: Path
) -> None:
    write(built, SANDBOX)
    options = ("--engine", "sandbox", "-v", ".:/x", "--shm", "1g", "--gpus", "none")
    done = firstlight("run", *options, "--quiet", "--dry-run", "ls", "--quiet")
    assert shown(done)[-2:] == ["ls", "--quiet"]
    assert done.err == ""


def test_the_spec_stands_in_pyproject_with_the_same_effect(
    firstlight: Firstlight, built: Path
) -> None:
    (built / "firstlight.toml").unlink()
    (built / "pyproject.toml").write_text(
        '[tool.firstlight]\nname = "tiny"\npython = "3.11"\npackages = []\n'
        f'[tool.firstlight.workspace]\n{SANDBOX}mounts = [".:/again"]\n'
    )
    words = shown(firstlight("up", "--dry-run"))
    assert ("--bind", "~/project", "/again") in mounted(words)


def test_limits_reach_an_engine_that_keeps_them(image: Image, store: Store) -> None:
    table = Workspace(memory="32g", cpus=1.5, pids=99, ipc="shareable")
    assert limits(table) == Limits(
        shm="8g", memory="32g", cpus=1.5, pids=99, ipc="shareable"
    )
    wish = Wish(limits=limits(over(table, shm="2G")))
    plan = command_plan(image, place_of(store.root), wish, ("true",))
    engine = Containers(
        name="docker",
        trouble=lambda: "",
        loader=lambda *_: "",
        gpu_words=lambda _: (),
        inner_user=lambda user: user,
        user_words=lambda _: (),
    )
    words = engine.host_command(plan, store).line
    for each in (
        *("--shm-size 2g", "--memory 32g", "--cpus 1.5", "--pids-limit 99"),
        "--ipc shareable",
    ):
        assert f" {each} " in words


def test_what_was_not_given_changes_nothing() -> None:
    table = Workspace(engine="docker", gpus="0", ports=(("ssh", 3),), shm="1g")
    assert over(table) == table
    assert over(table, engine="auto", gpus="auto", shm="4G") == Workspace(
        engine="auto", gpus="auto", ports=(("ssh", 3),), shm="4g"
    )


def test_outer_mounts_come_before_inner_ones(tmp_path: Path) -> None:
    table = over(Workspace(), mount=[f"{tmp_path}:/data/in", f"{tmp_path}:/data:ro"])
    assert mounts(table, tmp_path, lambda _: None) == (
        Mount(source=tmp_path, target="/data", writable=False),
        Mount(source=tmp_path, target="/data/in", writable=True),
    )


def test_a_home_of_nobody_is_no_folder(tmp_path: Path) -> None:
    table = over(Workspace(), mount=["~nobody-of-this-name/x:/x"])
    with pytest.raises(UsageError, match="a mount names what is not there"):
        mounts(table, tmp_path, lambda _: None)


def test_the_spec_knows_the_engines_and_servers_there_are() -> None:
    assert ("auto", *ENGINES) == workspace_table.ENGINES
    assert tuple(ports.DEFAULTS) == workspace_table.SERVERS
