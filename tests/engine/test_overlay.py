"""A root that can be changed by whoever may not: the kernel's own overlay."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from firstlight.engine import overlay

pytestmark = pytest.mark.skipif(
    not shutil.which("unshare"), reason="needs Linux with util-linux"
)
NOT_KEPT = "cannot be kept"


@dataclass(frozen=True)
class Laid:
    """A root with a file `old`, and the folder for what is changed in it."""

    root: Path
    changes: Path

    def command(self, script: str) -> list[str]:
        """The words that run a line of shell; `$at` is where the root is mounted."""
        line = f"at=$0/root; {script}"
        words = overlay.command(self.root, self.changes)
        return [*words, "/bin/sh", "-c", line, str(self.changes)]

    def run(
        self, script: str, *before: str, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Run it, perhaps inside of something else."""
        words = [*before, *self.command(script)]
        environ = {**os.environ, **more}
        return subprocess.run(words, env=environ, capture_output=True, text=True)

    @property
    def files(self) -> dict[str, str]:
        """What is in the root."""
        return {path.name: path.read_text() for path in self.root.iterdir()}


def lay(folder: Path) -> Laid:
    """Make a root in a folder."""
    (folder / "root").mkdir(parents=True)
    (folder / "root/old").write_text("as built")
    return Laid(folder / "root", folder / "changes")


@pytest.fixture
def laid(tmp_path: Path) -> Laid:
    """A root that nothing has changed."""
    return lay(tmp_path)


def test_what_is_changed_is_kept_and_not_in_the_root(laid):
    done = laid.run("rm $at/old; echo new > $at/new; ls $at")
    assert (done.stdout, done.stderr) == ("new\n", "")
    assert laid.files == {"old": "as built"}
    assert (laid.changes / "upper/new").read_text() == "new\n"
    again = laid.run("ls $at; cat $at/new")
    assert again.stdout == "new\nnew\n"


def test_a_file_is_changed_in_a_copy(laid):
    assert laid.run("echo more >> $at/old; cat $at/old").stdout == "as builtmore\n"
    assert laid.files == {"old": "as built"}


def test_nobody_else_sees_it_and_it_ends_with_the_command(laid):
    with subprocess.Popen(
        laid.command("ls $at; read -r line"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "old\n"
        assert list((laid.changes / "root").iterdir()) == []
        process.communicate("\n")
    mounts = Path("/proc/self/mountinfo").read_text()
    assert str(laid.changes) not in mounts
    shutil.rmtree(laid.changes / "root")


def test_the_command_takes_its_place(laid):
    done = laid.run("echo $$ $GIVEN; id -u; pwd; exit 7", GIVEN="variable")
    pid, variable, uid, folder = done.stdout.split()
    assert (variable, uid, folder) == ("variable", str(os.getuid()), "/")
    assert done.returncode == 7
    with subprocess.Popen(
        laid.command("echo $$"), stdout=subprocess.PIPE, text=True
    ) as process:
        pid, _ = process.communicate()
    assert int(pid) == process.pid


@pytest.mark.parametrize("name", ["a,b", "a:b", "a\\b", "a\\:b", "a,upperdir=b", "a b"])
def test_no_character_of_a_path_is_taken_for_an_option(tmp_path, name):
    laid = lay(tmp_path / name)
    done = laid.run('echo new > "$at/new"; ls "$at"')
    assert (done.stdout, done.stderr) == ("new\nold\n", "")
    assert (laid.changes / "upper/new").exists()
    assert list(laid.files) == ["old"]


# Where the kernel does not let ordinary users do it


def within(laid: Laid, more: str = "true") -> Sequence[str]:
    """Words that go before, so that the changes would be on an overlay themselves."""
    around = Laid(laid.changes.parent, laid.changes.parent.with_name("around"))
    shell = [*overlay.command(around.root, around.changes), "/bin/sh", "-c"]
    bind = f'mount --bind "{around.changes}/root" "{around.root}"'
    return ["unshare", "-Urm", *shell, f'{bind} && {more} && exec "$@"', "sh"]


def test_else_the_root_is_there_and_cannot_be_written(laid):
    done = laid.run("cat $at/old; echo more >> $at/old", *within(laid))
    assert done.stdout == "as built"
    assert NOT_KEPT in done.stderr
    assert "Read-only file system" in done.stderr
    assert done.returncode != 0
    assert laid.files == {"old": "as built"}


def test_else_what_a_mount_forbids_stays_forbidden(laid):
    """An ordinary user may not remount without what a mount was given."""
    mount = f'mount -t tmpfs -o nosuid,nodev none "{laid.root}" && : > "{laid.root}/f"'
    inner = ["unshare", "-Urm", "/bin/sh", "-c", 'exec "$@"', "sh"]
    script = "grep \" $at \" /proc/self/mountinfo | cut -d' ' -f6; ls $at; touch $at/g"
    done = laid.run(script, *within(laid, mount), *inner)
    assert NOT_KEPT in done.stderr
    flags, listed = done.stdout.split()
    assert {"ro", "nosuid", "nodev"} <= set(flags.split(","))
    assert listed == "f"
    assert "Read-only file system" in done.stderr


def test_without_namespaces_it_says_what_is_missing(laid):
    forbid = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"'
    done = laid.run("true", "unshare", "-Ur", "/bin/sh", "-c", forbid, "sh")
    assert done.returncode == 125
    assert done.stderr.startswith("firstlight: a namespace of one's own: ")
    assert "Traceback" not in done.stderr
