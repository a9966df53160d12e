"""``firstlight vendor`` and ``--offline`` as people type them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from artefacts import make_wheel
from cli.started import Ended, Firstlight
from debian_archive import make_archive, make_deb, make_key
from firstlight.cli.entry import run
from firstlight.digest import Digest, of_bytes
from firstlight.lock.lockfile import (
    Archive,
    Deb,
    Lock,
    PlatformLock,
    Stack,
    packages_digest,
)
from firstlight.lock.python import select
from firstlight.lock.spec import read_spec
from firstlight.lock.system import SUITES
from firstlight.lock.text import dump_lock
from registry_server import Registry

AMD64 = "linux/amd64"
SPEC = 'name = "tiny"\npython = "3.11"\npackages = ["alpha"]\n'
MASTERS = {
    "usr/share/base-passwd/passwd.master": b"root:*:0:0:root:/root:/bin/bash\n",
    "usr/share/base-passwd/group.master": b"root:*:0:\nshadow:*:42:\n",
}


@pytest.fixture
def firstlight(
    tmp_path: Path,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Firstlight:
    """Run the program in this process; paths of the test become ``~``."""

    def within(*arguments: str, **variables: str) -> Ended:
        given = {
            "HOME": str(tmp_path),
            "FIRSTLIGHT_STORE": str(tmp_path / "store"),
            "PIP_NO_INDEX": "1",
            "PATH": os.environ["PATH"],
            **variables,
        }
        with monkeypatch.context() as patch:
            for name in os.environ:
                if name.startswith(("FIRSTLIGHT_", "UV_", "PIP_", "XDG_")):
                    patch.delenv(name)
            for name, value in given.items():
                patch.setenv(name, value)
            patch.chdir(project)
            code = run(arguments)
        told = capsys.readouterr()
        home = str(tmp_path)
        return Ended(code, told.out.replace(home, "~"), told.err.replace(home, "~"))

    return within


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    return tmp_path / "mirror"


@pytest.fixture
def locked(project: Path, mirror: Path) -> Lock:
    """A project whose lock fits, of a wheel and an OS package of a signed archive."""
    (project / "firstlight.toml").write_text(SPEC)
    (project / "wheels").mkdir()
    wheel = make_wheel(project / "wheels", "alpha", files={"alpha.py": "a = 1\n" * 99})
    deb = make_deb(project.parent / "in", "base-passwd", files=MASTERS)
    key = make_key()
    release = make_archive(mirror, "bookworm", [deb], key)
    pylock = (
        'lock-version = "1.0"\ncreated-by = "tests"\n'
        '[[packages]]\nname = "alpha"\nversion = "1.0"\n'
        f'wheels = [{{ path = "wheels/{wheel.name}", '
        f'hashes = {{ sha256 = "{of_bytes(wheel.read_bytes())[7:]}" }} }}]\n'
    )
    (project / "pylock.toml").write_text(pylock)
    system = SUITES["bookworm"]
    wheels = select(pylock, platform=AMD64, system=system, folder=project)
    package = Deb(
        name="base-passwd",
        version="1.0-1",
        architecture="amd64",
        filename=f"pool/main/b/base-passwd/{deb.name}",
        size=deb.stat().st_size,
        digest=of_bytes(deb.read_bytes()),
        archive="debian",
        suite="bookworm",
    )
    lock = Lock(
        name="tiny",
        spec=read_spec(project).digest,
        pylock=of_bytes(pylock.encode()),
        python="3.11",
        suite="bookworm",
        profile="workspace",
        environment=(),
        archives=(
            Archive(
                name="debian",
                suite="bookworm",
                snapshot="20260801T220000Z",
                release=of_bytes(release.read_bytes()),
            ),
        ),
        platforms=(
            PlatformLock(
                platform=AMD64,
                packages=packages_digest(wheels),
                stack=Stack(),
                debs=(package,),
            ),
        ),
    )
    (project / "firstlight.lock").write_text(dump_lock(lock))
    return lock


@pytest.fixture
def known(mirror: Path) -> dict[str, str]:
    """The variable that names the mirror; without it, this machine may know one."""
    return {"FIRSTLIGHT_MIRROR_DEBIAN": mirror.as_uri()}


BUILD = ("build", "--platform", AMD64, "--json")


def test_vendor_then_build_offline_elsewhere(
    firstlight: Firstlight, project: Path, locked: Lock, known: dict[str, str]
) -> None:
    built = json.loads(firstlight(*BUILD, **known).out)
    done = firstlight("vendor", **known)
    assert (done.code, done.err) == (0, "Fetching …\nWriting …\n")
    assert done.out.startswith("vendored   oci:~/project/vendor\n")
    assert "files      7, " in done.out
    assert ": 1 wheels, 1 OS packages\n" in done.out
    assert f"image      {built['manifest']}\n" in done.out
    other = project.parent / "tiny"
    other.mkdir()
    (project / "vendor").rename(other / "vendor")
    empty = {"FIRSTLIGHT_STORE": str(project.parent / "empty"), **known}
    here = ("-C", str(other))
    done = firstlight(*here, "vendor", "--unpack", **empty)
    assert done.out == (
        "wrote firstlight.lock, firstlight.toml, pylock.toml to ~/tiny\n"
        "next: `firstlight -C ~/tiny build --offline`\n"
    )
    done = firstlight(*here, *BUILD, "--offline", **empty)
    assert json.loads(done.out)["image_id"] == built["image_id"]
    done = firstlight(*here, "verify", "--platform", AMD64, "--offline", **empty)
    assert (done.code, "same bits" in done.out) == (0, True)


def test_one_file_is_enough(
    firstlight: Firstlight, project: Path, locked: Lock, known: dict[str, str]
) -> None:
    file = project.parent / "stick.tar"
    told = json.loads(
        firstlight("vendor", f"oci-archive:{file}", "--json", **known).out
    )
    assert told["place"] == "oci-archive:~/stick.tar"
    assert (told["files"], told["wheels"], told["system_packages"]) == (7, 1, 1)
    other = project.parent / "other"
    empty = {"FIRSTLIGHT_STORE": str(project.parent / "empty")}
    done = firstlight("vendor", "--unpack", str(file), str(other), **empty)
    assert "--vendor ~/stick.tar`" in done.out
    words = ("-C", str(other), "--offline", *BUILD)
    failed = firstlight(*words, **empty)
    assert failed.code == 6
    assert "2 of 2 files are not on this machine" in failed.err
    assert "alpha-1.0-py3-none-any.whl" in failed.err
    assert firstlight(*words, "--vendor", str(file), **empty).code == 0


def test_through_a_registry(
    firstlight: Firstlight,
    project: Path,
    locked: Lock,
    known: dict[str, str],
    registry: Registry,
) -> None:
    name = f"{registry.host}/team/tiny"
    (project / "firstlight.toml").write_text(f'{SPEC}[share]\nimage = "{name}"\n')
    told = json.loads(firstlight("vendor", "registry", "--json", **known).out)
    assert re.fullmatch(rf"{name}:[\w.-]+-vendor", told["place"])
    assert told["sent"] > told["bytes"] > 0
    again = json.loads(firstlight("vendor", told["place"], "--json", **known).out)
    assert (again["digest"], again["sent"]) == (told["digest"], 0)
    empty = {"FIRSTLIGHT_STORE": str(project.parent / "empty")}
    # Without a reference, it is the one of the project's own lock.
    for number, words in enumerate(((), (told["place"],), (name,))):
        folder = project.parent / f"fetched-{number}"
        place = words or ("",)
        done = firstlight("vendor", "--fetch", *place, str(folder), "--json", **empty)
        assert json.loads(done.out)["digest"] == told["digest"], done.err
        assert (folder / "index.json").exists()
    # Offline, a registry is no place to build from, and nothing may be fetched.
    refused = firstlight(*BUILD, "--vendor", told["place"], "--offline", **empty)
    assert refused.code == 2
    assert f"`firstlight vendor --fetch {told['place']}`" in refused.err
    asked = len(registry.requests)
    refused = firstlight("vendor", "--fetch", told["place"], "--offline", **empty)
    assert (refused.code, len(registry.requests)) == (6, asked)
    assert "no network may be used" in refused.err


def test_a_check_tells_what_is_whole_and_what_is_signed(
    firstlight: Firstlight, project: Path, locked: Lock, known: dict[str, str]
) -> None:
    firstlight("vendor", **known)
    done = firstlight("vendor", "--check")
    # The key of this archive is none that anybody pinned.
    assert done.code == 5
    assert "debian bookworm: its InRelease cannot be trusted" in done.err
    for path in (project / "vendor/blobs/sha256").iterdir():
        data = path.read_bytes()
        if data.startswith(b"PK"):
            path.unlink()
            path.write_bytes(data + b"x")
    done = firstlight("vendor", "--check", "--json")
    assert done.code == 5
    said = [each["message"] for each in json.loads(done.out)["findings"]]
    assert any(each.startswith("wheels/alpha-1.0-py3-none-any.whl: ") for each in said)
    empty = {"FIRSTLIGHT_STORE": str(project.parent / "empty")}
    (project / "wheels").rename(project / "gone")
    done = firstlight(*BUILD, "--offline", **empty)
    assert done.code == 5
    assert "~/project/vendor holds a damaged file: alpha-1.0" in done.err


def test_a_dry_run_writes_nothing(
    firstlight: Firstlight, project: Path, locked: Lock, known: dict[str, str]
) -> None:
    done = firstlight("vendor", "--dry-run", **known)
    assert done.out.startswith(f"platforms  {AMD64}\nfiles      5, at least ")
    assert "the lock does not give the size of 1\n" in done.out
    told = json.loads(firstlight("vendor", "--dry-run", "--json", **known).out)
    assert told["dry_run"]
    assert told["to_fetch"] == locked.platforms[0].debs[0].size
    assert not (project / "vendor").exists()
    assert not list((project.parent / "store/blobs/sha256").iterdir())


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("vendor", "--check", "--dry-run"), 2, "--check and --dry-run do not go"),
        (("vendor", "--unpack", "--platform", AMD64), 2, "--unpack and --platform"),
        (("vendor", "a", "b"), 2, "one place too many"),
        (("vendor", "oci:"), 2, "a path is missing"),
        (("vendor", "--check", "nowhere"), 2, "nowhere: there is no such folder"),
        (("vendor", "--check"), 2, "vendor: there is no such folder or file"),
        (("vendor", "--unpack", "h.example/a/b:1"), 2, "and not on this machine"),
        (("vendor", f"h.example/a@{Digest('sha256:' + '0' * 64)}"), 2, "a digest is"),
        (("vendor", "registry"), 2, "nothing says which registry is meant"),
        (("vendor", "--platform", "linux/s390x"), 4, "not for linux/s390x"),
        (("build", "--vendor", "nowhere"), 2, "nowhere: there is no such folder"),
        (("build", "--vendor", "wheels"), 2, "is no OCI layout"),
        (("vendor", "wheels"), 5, "something else than an OCI layout"),
    ],
)
def test_what_does_not_fit_is_told(
    words: tuple[str, ...],
    code: int,
    said: str,
    firstlight: Firstlight,
    locked: Lock,
    known: dict[str, str],
) -> None:
    done = firstlight(*words, **known)
    assert done.code == code, done.err
    assert said in done.err
    assert "Traceback" not in done.err


def test_a_stale_lock_is_not_vendored(
    firstlight: Firstlight, project: Path, locked: Lock
) -> None:
    (project / "firstlight.toml").write_text(SPEC.replace("alpha", "beta"))
    done = firstlight("vendor")
    assert done.code == 4
    assert "the spec changed since it was locked" in done.err


def test_a_file_outside_of_the_project_is_left_out_and_told(
    firstlight: Firstlight, project: Path, locked: Lock, known: dict[str, str]
) -> None:
    (project.parent / "outside.txt").write_text("alpha\n")
    text = SPEC.replace('["alpha"]', '"../outside.txt"')
    (project / "firstlight.toml").write_text(text)
    fits = replace(locked, spec=read_spec(project).digest)
    (project / "firstlight.lock").write_text(dump_lock(fits))
    done = firstlight("vendor", **known)
    assert done.code == 0
    assert "../outside.txt: outside of the project or hidden" in done.err
    # Building from what is vendored works all the same; unpacking is refused.
    empty = {"FIRSTLIGHT_STORE": str(project.parent / "empty")}
    assert firstlight(*BUILD, "--offline", **empty).code == 0
    done = firstlight("vendor", "--unpack", "vendor", str(project.parent / "x"))
    assert done.code == 5
    assert "not the one that its lock was made from" in done.err
    assert not (project.parent / "x").exists()


def test_another_lock_than_the_projects_is_told(
    firstlight: Firstlight, project: Path, locked: Lock, known: dict[str, str]
) -> None:
    firstlight("vendor", **known)
    other = replace(locked, name="other")
    (project / "firstlight.lock").write_text(dump_lock(other))
    done = firstlight("vendor", "--check", **known)
    assert "what is vendored is of another lock than the project's" in done.err


def test_offline_as_a_setting_and_a_switch_anywhere(
    firstlight: Firstlight, project: Path, locked: Lock
) -> None:
    gone = {"FIRSTLIGHT_MIRROR_DEBIAN": "https://no.such.host.example/debian"}
    for words, variables in (
        ((*BUILD, "--offline"), gone),
        (("--offline", *BUILD), gone),
        (BUILD, {"FIRSTLIGHT_OFFLINE": "1", **gone}),
    ):
        done = firstlight(*words, **variables)
        assert done.code == 6
        assert "1 of 2 files are not on this machine" in done.err
    done = firstlight("lock", "--offline", **gone)
    assert done.code in (3, 6)
    assert firstlight(*BUILD, FIRSTLIGHT_OFFLINE="perhaps").code == 2


def test_killed_in_the_middle_it_goes_on(
    firstlight: Firstlight, project: Path, locked: Lock, known: dict[str, str]
) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(project.parent),
        "FIRSTLIGHT_STORE": str(project.parent / "store"),
        **known,
    }
    # Killed at its first blob: the name of the artefact is written last.
    program = (
        "import os, signal, sys\n"
        "from firstlight.cli import main\n"
        "os.link = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)\n"
        "sys.argv = ['firstlight', 'vendor']\n"
        "main()\n"
    )
    words = [sys.executable, "-c", program]
    done = subprocess.run(
        words, cwd=project, env=environment, check=False, capture_output=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not (project / "vendor/index.json").exists()
    assert firstlight("vendor", **known).code == 0
    empty = {"FIRSTLIGHT_STORE": str(project.parent / "empty")}
    assert firstlight(*BUILD, "--offline", **empty).code == 0
