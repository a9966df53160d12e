"""Ctrl-C while a package index keeps us waiting: a clean end, nothing changed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cli.started import SPEC
from firstlight.cli import entry, main
from firstlight.errors import NetworkError


def test_ctrl_c_ends_at_once_and_leaves_the_spec_as_it_was(
    tmp_path: Path, project: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        spec = f'{SPEC}\n[[index]]\nurl = "{url}"\ndefault = true\n'
        (project / "firstlight.toml").write_text(spec)
        process = subprocess.Popen(
            [sys.executable, "-m", "firstlight", "add", "einops", "--no-build"],
            cwd=project,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "FIRSTLIGHT_STORE": str(tmp_path / "store"),
                "FIRSTLIGHT_MIRROR_DEBIAN": url,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )
        silent.settimeout(30)
        try:
            # Somebody asks the index and hears nothing: now the work is under way.
            connection, _ = silent.accept()
            assert (project / "firstlight.toml").read_text() != spec
            os.killpg(process.pid, signal.SIGINT)
            out, err = process.communicate(timeout=20)
            connection.close()
        finally:
            process.kill()
            process.wait()
    assert (process.returncode, out) == (130, ""), err
    assert err.endswith("interrupted; what was finished is kept\n")
    assert "Traceback" not in err
    assert (project / "firstlight.toml").read_text() == spec
    assert not (project / "firstlight.lock").exists()


@pytest.mark.parametrize("kind", [RuntimeError, NetworkError])
def test_what_breaks_while_tidying_up_after_ctrl_c_is_no_news(
    kind: type[Exception],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted(_: object) -> None:
        try:
            raise KeyboardInterrupt
        finally:
            raise kind("cannot tidy up")

    monkeypatch.setattr(entry, "_run", interrupted)
    assert main(["lock"]) == 130
    assert capsys.readouterr().err.endswith("interrupted; what was finished is kept\n")
