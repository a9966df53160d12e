"""``inspect`` and ``diff`` as people start them."""

from __future__ import annotations

from pathlib import Path

import pytest

from artefacts import make_wheel
from cli.shared_project import built, told, write_project
from cli.started import Firstlight
from firstlight.cli.inspect import table
from firstlight.oci import layout
from firstlight.store import Store
from pack.hand_locks import Bench
from registry_server import Registry
from share.altered import change_config, publish
from share.registries import MASTERS

NAME = "team/demo"


@pytest.fixture
def bench(tmp_path: Path, project: Path, registry: Registry) -> Bench:
    bench = Bench(project, Store.open(tmp_path / "store"))
    bench.deb("base-passwd", MASTERS)
    bench.wheel("alpha")
    make_wheel(project / "wheels", "alpha", metadata="License-Expression: MIT\n")
    write_project(bench, f"{registry.host}/{NAME}")
    return bench


@pytest.fixture
def image(run: Firstlight, bench: Bench) -> str:
    """The image ID of the project, which is built."""
    found: str = told(run, "build")["image_id"]
    return found


def test_the_projects_own_image(run: Firstlight, image: str) -> None:
    done = run("inspect", "--layers", "--packages", "--licences")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0] == "image        python3.11"
    assert lines[1] == f"image ID     {image}"
    assert "platform     linux/amd64" in lines
    assert "packages     1 Python, 1 OS; told by firstlight.lock" in lines
    assert "Python       3.11" in lines
    assert any(line.split()[:1] == ["starts"] for line in lines)
    (head,) = [line for line in lines if line.startswith("layer ")]
    assert head.split() == ["layer", "size", "share", "digest", "what"]
    assert "alpha        1.0      Python  MIT" in lines
    assert not done.err


def test_an_image_that_is_not_built_yet(run: Firstlight, bench: Bench) -> None:
    done = run("inspect")
    assert done.code == 2
    assert "`firstlight build` makes it" in done.err


def test_the_same_for_machines(run: Firstlight, image: str, bench: Bench) -> None:
    found = told(run, "inspect", "--licences")
    assert found["image_id"] == image
    assert found["is_own"] is True
    assert [each["name"] for each in found["packages"]] == ["alpha", "base-passwd"]
    assert found["size"] == sum(each["size"] for each in found["layers"])
    assert found["start"]["folder"] == "/workspace"
    assert found["labels"]["org.firstlight.python"] == "3.11"


def test_an_image_in_the_registry_is_found_by_the_locks_tag(
    run: Firstlight, image: str, registry: Registry
) -> None:
    assert run("push", "--no-attest").code == 0
    found = told(run, "inspect", f"{registry.host}/{NAME}")
    assert found["image_id"] == image
    assert found["name"].startswith(f"{registry.host}/{NAME}:py3.11-bookworm-")


def test_whoever_pulled_an_image_knows_its_licences_too(
    run: Firstlight, image: str, registry: Registry, tmp_path: Path
) -> None:
    """There the wheels are not; what they say is in the layers, and in the bill."""
    assert run("push").code == 0
    there = {"FIRSTLIGHT_STORE": str(tmp_path / "colleague")}
    assert run("pull", **there).code == 0
    done = run("inspect", "--licences", **there)
    assert "found in the layers" in done.out
    assert "alpha        1.0      Python  MIT" in done.out.splitlines()
    done = run("inspect", "--licences", f"{registry.host}/{NAME}", **there)
    assert "told by the bill of materials" in done.out
    assert "alpha        1.0      Python  MIT" in done.out.splitlines()


def test_what_hangs_on_an_image_is_listed(
    run: Firstlight, image: str, registry: Registry
) -> None:
    assert run("push").code == 0
    done = run("inspect", f"{registry.host}/{NAME}")
    assert "attached     bill of materials (CycloneDX)  sha256:" in done.out
    assert "provenance (in-toto)" in done.out


@pytest.mark.parametrize("name", ["nothing", "oci:nowhere", "UPPER/x", "sha256:12"])
def test_names_of_nothing(run: Firstlight, image: str, name: str) -> None:
    done = run("inspect", name)
    assert done.code == 2
    assert "hint: " in done.err
    assert "Traceback" not in done.err


def test_two_images_and_exit_codes_like_those_of_diff(
    run: Firstlight, image: str, bench: Bench, tmp_path: Path
) -> None:
    layout.write(built(bench), bench.store, tmp_path / "old")
    same = run("diff", f"oci:{tmp_path}/old")
    assert (same.code, same.err) == (0, "")
    assert same.out.splitlines()[-1] == "the same image"
    bench.wheel("beta")
    write_project(bench, "registry.example.org/x")
    assert run("build").code == 0
    done = run("diff", f"oci:{tmp_path}/old")
    assert done.code == 1
    assert "  +  Python  beta  1.0" in done.out.splitlines()
    assert " to move from A to B" in done.out
    found = told(run, "diff", f"oci:{tmp_path}/old", code=1)
    assert [each["name"] for each in found["packages"]] == ["beta"]
    assert found["bytes_to_move"] == sum(
        each["size"] for each in found["layers"]["added"]
    )
    assert run("diff", "nothing").code == 2


def test_two_locks_need_no_image(run: Firstlight, bench: Bench, tmp_path: Path) -> None:
    other = tmp_path / "older"
    other.mkdir()
    for name in ("firstlight.lock", "pylock.toml"):
        (other / name).write_bytes((bench.folder / name).read_bytes())
    assert run("diff", f"lock:{other}", "lock:.").code == 0
    bench.wheel("beta")
    write_project(bench, "registry.example.org/x")
    done = run("diff", f"lock:{other}/firstlight.lock", "lock:.")
    assert done.code == 1
    assert "never built" in done.out
    assert "  +  Python  beta  1.0" in done.out.splitlines()


def test_a_changed_setting(
    run: Firstlight, image: str, bench: Bench, registry: Registry
) -> None:
    change = change_config("User", "mallory")
    publish(registry, bench.store, built(bench), change, tag="other")
    done = run("diff", "", f"{registry.host}/{NAME}:other")
    assert done.code == 1
    assert "  +  user  mallory" in done.out.splitlines()


def test_a_terminal_obeys_nothing_that_an_image_says(
    run: Firstlight, image: str, bench: Bench, registry: Registry
) -> None:
    change = change_config("Env", ["A=\x1b]0;evil\x07", "B=\u202eabc", "C=\x9b31m"])
    publish(registry, bench.store, built(bench), change, tag="other")
    done = run("inspect", f"{registry.host}/{NAME}:other")
    assert done.code == 0, done.err
    assert done.out.replace("\n", "").isprintable()
    found = told(run, "inspect", f"{registry.host}/{NAME}:other")
    assert found["start"]["environment"][0] == "A=\x1b]0;evil\x07"


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    rows = [("a", "1", "x"), ("bbb", "100", "")]
    assert list(table(rows, " r")) == ["a      1  x", "bbb  100"]
    assert list(table([])) == []
