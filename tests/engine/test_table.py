"""Which engine is taken, and what is said when none can be."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from firstlight.engine import docker, podman
from firstlight.engine.table import ENGINES, choose
from firstlight.errors import EngineError

NONE_WORKS = """\
echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"
"""
CHOOSE = """\
import os
from firstlight.engine.table import choose
from firstlight.errors import EngineError
os.environ["PATH"] = "/nowhere"
try:
    choose("auto", print)
except EngineError as error:
    print(error.message)
    print(error.hint)
"""


@pytest.fixture
def asked_anew() -> Iterator[None]:
    """What an engine says of itself is asked once for each process."""
    for module in (docker, podman):
        module._info.cache_clear()
    yield
    for module in (docker, podman):
        module._info.cache_clear()


def test_engines_are_known_by_their_names() -> None:
    assert {name: engine.name for name, engine in ENGINES.items()} == {
        name: name for name in ENGINES
    }


@pytest.mark.parametrize("name", ["docker", "podman"])
def test_an_engine_that_is_not_installed_says_so(
    name: str, monkeypatch: pytest.MonkeyPatch, asked_anew: None
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(EngineError) as caught:
        choose(name, lambda _: None)
    assert caught.value.message == f"{name} cannot be used: {name} is not installed"
    assert caught.value.hint == "`--engine auto` takes one that works"


@pytest.mark.skipif(not shutil.which("docker"), reason="Docker's client is not here")
def test_a_daemon_that_is_not_there_is_told_in_dockers_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, asked_anew: None
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/sock")
    with pytest.raises(EngineError, match=r"docker cannot be used: .*sock") as caught:
        choose("docker", lambda _: None)
    assert "\n" not in caught.value.message


@pytest.mark.skipif(not shutil.which("podman"), reason="Podman is not here")
def test_a_podman_whose_settings_are_broken_is_told_in_its_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, asked_anew: None
) -> None:
    (tmp_path / "containers.conf").write_text("[engine\n")
    monkeypatch.setenv("CONTAINERS_CONF", str(tmp_path / "containers.conf"))
    with pytest.raises(EngineError, match=r"podman cannot be used: .*conf"):
        choose("podman", lambda _: None)


def test_auto_takes_the_first_that_works_and_says_which() -> None:
    told: list[str] = []
    chosen = choose("auto", told.append)
    (line,) = told
    assert line.startswith(f"engine: {chosen.name} (")
    assert chosen.trouble() == ""
    before = list(ENGINES)[: list(ENGINES).index(chosen.name)]
    for name in before:
        assert f"not {name}: {ENGINES[name].trouble()}" in line


def test_one_that_was_named_is_no_news() -> None:
    told: list[str] = []
    chosen = choose("auto", lambda _: None)
    assert choose(chosen.name, told.append) is chosen
    assert told == []


def test_where_none_works_every_reason_is_told() -> None:
    """In a namespace that allows no others, on a machine without other engines."""
    words = ["unshare", "--user", "--map-root-user", "sh", "-c", NONE_WORKS, "sh"]
    if subprocess.run([*words, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no user namespace can be made here")
    done = subprocess.run(
        [*words, sys.executable, "-c", CHOOSE],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == (
        "no engine works here: "
        "not sandbox: user namespaces are switched off (user.max_user_namespaces = 0); "
        "not docker: docker is not installed; "
        "not podman: podman is not installed\n"
        "install Docker or Podman, or have user namespaces allowed\n"
    )
