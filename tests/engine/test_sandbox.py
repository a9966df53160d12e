"""Real programs in a real sandbox, started by the bubblewrap inside the image."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from engine.boxes import MACHINE, Box
from engine.small_images import image, layer, member, tar
from firstlight.engine.sandbox import SANDBOX
from firstlight.errors import EngineError
from firstlight.progress import Progress
from firstlight.store import Store


def test_the_programs_exit_code_and_output_pass(box):
    result = box.shell("echo out; echo err >&2; exit 7")
    assert (result.stdout, result.stderr, result.returncode) == ("out\n", "err\n", 7)


def test_without_a_command_the_images_own_runs(box):
    assert box.start().stdout == "1000\n"


def test_a_missing_program_is_127_as_in_a_shell(box):
    result = box.start("no-such-program")
    assert result.returncode == 127
    assert "no-such-program" in result.stderr


def test_a_program_that_dies_of_a_signal_gives_128_and_its_number(box):
    assert box.shell("kill -TERM $$").returncode == 128 + signal.SIGTERM


def test_is_the_user_of_the_image(box):
    assert box.start("id").stdout == "uid=1000(user) gid=1000(user) groups=1000(user)\n"


def test_files_in_the_workspace_belong_to_the_caller(box):
    assert box.shell("pwd; echo x > made").stdout == "/workspace\n"
    made = box.project / "made"
    assert made.read_text() == "x\n"
    assert made.stat().st_uid == os.geteuid()


def test_the_root_cannot_be_written(box):
    for path in ("/usr/bin/ls", "/etc/passwd", "/new"):
        result = box.shell(f"echo x >> {path}")
        assert "Read-only file system" in result.stderr
    assert box.start("id", "-u").stdout == "1000\n"


def test_tmp_run_shm_and_home_can_be_written(box):
    script = (
        "for d in /tmp /run /dev/shm ~ /workspace; do echo x > $d/f || exit 1; done"
    )
    assert box.shell(script).stderr == ""
    assert box.shell("cat /dev/null; ls /tmp /run").stdout == "/run:\n\n/tmp:\n"


def test_home_stays_between_runs_and_is_the_projects_own(box, tmp_path):
    box.shell("echo kept > ~/note")
    assert box.shell("cat ~/note").stdout == "kept\n"
    other = Box(box.image, box.store, tmp_path, tmp_path / "state")
    assert other.shell("ls ~").stdout == ""


def test_sees_only_its_own_processes(box):
    assert len(box.shell("ls -d /proc/[0-9]*").stdout.split()) <= 4


def test_nothing_of_the_hosts_environment_leaks(box, monkeypatch):
    for name in ("COLORTERM", "NO_COLOR", "FORCE_COLOR", "http_proxy", "no_proxy"):
        for each in (name, name.upper()):
            monkeypatch.delenv(each, raising=False)
    for name in ("all_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    environ = {
        "SECRET": "host",
        "PYTHONPATH": "/host",
        "LD_PRELOAD": "/host.so",
        "TERM": "xterm",
        "https_proxy": "http://proxy:1",
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    lines = box.start("env").stdout.splitlines()
    values = dict(line.split("=", 1) for line in lines)
    values.pop("_", None)
    assert values == {
        "PATH": "/usr/bin",
        "LANG": "C.UTF-8",
        "FROM_IMAGE": "yes",
        "HOME": "/home/user",
        "USER": "user",
        "LOGNAME": "user",
        "PWD": "/workspace",
        "PYTHONPYCACHEPREFIX": "/home/user/.cache/pycache",
        "TERM": "xterm",
        "https_proxy": "http://proxy:1",
    }


def test_a_secret_is_in_no_argument_and_no_printed_line(box):
    made = box.host_command("env", environment={"TOKEN": "hunter2"})
    assert "hunter2" not in made.line
    assert not any("hunter2" in word for word in made.command)
    assert 'TOKEN="$TOKEN"' in made.line
    result = box.start("env", environment={"TOKEN": "hunter2"})
    assert "TOKEN=hunter2" in result.stdout.splitlines()


def test_a_library_path_is_for_the_program_and_not_for_bwrap(box):
    result = box.start("env", environment={"LD_LIBRARY_PATH": "/workspace"})
    assert "LD_LIBRARY_PATH=/workspace" in result.stdout.splitlines()


def test_the_network_is_the_hosts(box):
    host = Path("/proc/net/dev").read_text().count("\n")
    assert box.shell("cat /proc/net/dev").stdout.count("\n") == host
    if Path("/etc/hosts").is_file():
        assert box.start("cat", "/etc/hosts").stdout == Path("/etc/hosts").read_text()


def test_the_printed_command_can_be_pasted(box):
    line = box.host_command("id", "-u").line
    shell = subprocess.run(
        ["bash", "-c", line],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
    )
    assert shell.stdout == "1000\n"


RUNNER = textwrap.dedent(
    """
    import json, sys
    from pathlib import Path
    from firstlight.engine.base import ContainerPlan, Mount
    from firstlight.engine.sandbox import SANDBOX
    from firstlight.oci.model import Image
    from firstlight.progress import Progress
    from firstlight.store import Store
    image, store, project, terminal, *command = sys.argv[1:]
    image, store = Image(**json.loads(image), layers=()), Store(Path(store))
    SANDBOX.load(image, store, Progress())
    work = Mount(source=Path(project), target="/workspace", writable=True)
    plan = ContainerPlan(image=image, command=tuple(command), environment={},
                         mounts=(work,), terminal=bool(terminal))
    sys.exit(SANDBOX.execute(plan, store))
    """
)


def runner(box: Box, *command: str, terminal: str = "") -> list[str]:
    given = {
        key: getattr(box.image, key) for key in ("name", "platform", "id", "manifest")
    }
    where = (str(box.store.root), str(box.project), terminal)
    return [sys.executable, "-c", RUNNER, json.dumps(given), *where, *command]


def test_an_interrupt_lets_the_program_end_in_its_own_way(box):
    script = (
        "trap 'echo tidied > /workspace/tidied; exit 3' INT; echo up; sleep 30 & wait"
    )
    pid, terminal = os.forkpty()
    if not pid:
        words = runner(box, "bash", "-c", script, terminal="yes")
        os.execv(words[0], words)
    seen = b""
    while b"up" not in seen:
        seen += os.read(terminal, 1000)
    time.sleep(0.1)
    os.write(terminal, b"\x03")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3
    os.close(terminal)
    assert (box.project / "tidied").read_text() == "tidied\n"


def test_nothing_stays_when_the_caller_is_killed(box):
    script = "while :; do echo x >> /workspace/beat; sleep 0.05; done"
    with subprocess.Popen(runner(box, "bash", "-c", script)) as process:
        beat = box.project / "beat"
        until = time.monotonic() + 20
        while not beat.exists() and time.monotonic() < until:
            time.sleep(0.05)
        process.kill()
    time.sleep(0.3)
    size = beat.stat().st_size
    time.sleep(0.3)
    assert beat.stat().st_size == size > 0


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_runs_it_from_a_store_of_their_own(box, top, bwrap):
    somebody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    own = top / "somebody"
    shutil.copytree(box.store.root, own / "store", symlinks=True)
    (own / "project").mkdir()
    for path in (own, *own.rglob("*")):
        os.chown(path, 65534, 65534, follow_symlinks=False)
    theirs = Box(box.image, Store(own / "store"), own / "project", own / "state")
    made = theirs.host_command("bash", "-c", "id -u; touch made; exit 5")
    for path in (own / "state", *(own / "state").rglob("*")):
        os.chown(path, 65534, 65534)
    result = subprocess.run(
        [*somebody, *made.command],
        env=dict(made.environment),
        capture_output=True,
        text=True,
    )
    assert (result.stdout, result.returncode) == ("1000\n", 5), result.stderr
    assert (own / "project/made").stat().st_uid == 65534


def test_another_user_may_run_from_a_store_that_is_not_theirs(box, top):
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    made = box.host_command("id", "-u")
    theirs = top / "theirs"
    theirs.mkdir(exist_ok=True)
    os.chown(theirs, 65534, 65534)
    own = {str(mount.source) for mount in box.plan("id").mounts if mount.writable}
    words = [str(theirs) if word in own else word for word in made.command]
    result = subprocess.run(
        ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", *words],
        env=dict(made.environment),
        capture_output=True,
        text=True,
    )
    assert (result.stdout, result.returncode) == ("1000\n", 0), result.stderr


# What it refuses


def test_an_image_for_another_machine_is_refused(box):
    foreign = "linux/arm64" if MACHINE == "linux/amd64" else "linux/amd64"
    made = image(box.store, [], platform=foreign)
    with pytest.raises(EngineError, match="on this machine") as caught:
        SANDBOX.load(made, box.store, Progress())
    assert "Docker" in caught.value.hint


def test_an_image_without_bubblewrap_says_what_to_add(box):
    made = image(box.store, [layer(box.store, tar(member("f")))], platform=str(MACHINE))
    with pytest.raises(EngineError, match="has no") as caught:
        SANDBOX.load(made, box.store, Progress())
    assert "bubblewrap" in caught.value.hint


def test_a_kernel_without_user_namespaces_is_noticed_before_the_run(box):
    script = textwrap.dedent(
        """
        unshare -U -r bash -c '
            echo 0 > /proc/sys/user/max_user_namespaces
            "$0" "$@"' "$0" "$@"
        """
    )
    words = ["bash", "-c", script, *runner(box, "id")]
    result = subprocess.run(words, capture_output=True, text=True)
    assert "max_user_namespaces = 0" in result.stderr


def test_starting_adds_little_time(box):
    start = time.perf_counter()
    assert box.start("id", "-u").returncode == 0
    assert time.perf_counter() - start < 1
