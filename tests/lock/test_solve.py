"""Each case is a small release of an OS, what is wanted of it, and what it comes to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from firstlight.digest import of_bytes
from firstlight.errors import ConflictError
from firstlight.lock.index import Index
from firstlight.lock.solve import Universe, solve
from lock.machine import Machine

FOLDER = Path(__file__).parent / "cases/solve"
CASES = [
    pytest.param(json.loads(path.read_text()), id=path.stem)
    for path in sorted(FOLDER.glob("*.json"))
]


def index(offer: dict[str, dict[str, str]], suite: str = "bookworm") -> Index:
    text = "\n".join(_stanza(*each) for each in offer.items())
    return Index(text.encode(), "debian", suite, "amd64")


def _stanza(name: str, more: dict[str, str]) -> str:
    package, _, version = name.partition("=")
    fields = {
        "Package": package,
        "Version": version or "1",
        "Architecture": "amd64",
        "Filename": f"pool/main/{package}.deb",
        "Size": "10",
        "SHA256": of_bytes(name.encode()).removeprefix("sha256:"),
    } | more
    return "".join(f"{key}: {value}\n" for key, value in fields.items())


def chosen(universe: Universe, *names: str) -> dict[str, str]:
    return {package.name: package.version for package in solve(universe, names)}


@pytest.mark.parametrize("case", CASES)
def test_chooses_what_fits_or_says_why_nothing_does(case: dict[str, Any]) -> None:
    universe = Universe([index(case["offer"])], case.get("previous", {}))
    if "chosen" in case:
        assert chosen(universe, *case["want"]) == case["chosen"]
        assert chosen(universe, *reversed(case["want"])) == case["chosen"]
        return
    with pytest.raises(ConflictError, match=case["error"]) as caught:
        solve(universe, case["want"])
    assert case.get("hint", "") in caught.value.hint
    assert caught.value.hint


def test_an_update_is_preferred_and_keeps_its_suite() -> None:
    indexes = [index({"a=1": {}}), index({"a=2": {}}, "bookworm-security")]
    (package,) = solve(Universe(indexes), ["a"])
    assert (package.version, package.suite) == ("2", "bookworm-security")


@pytest.mark.parametrize("suite", ["jammy", "noble"])
def test_locks_from_an_archive_of_ubuntu(tmp_path: Path, suite: str) -> None:
    machine = Machine(tmp_path, suite)
    machine.offer({"a": {"Depends": "b (>= 2)"}, "b=1": {}})
    machine.offer({"b=2": {}}, place=1)
    found = machine.choose("a")
    assert [(deb.name, deb.version, deb.suite) for deb in found] == [
        ("a", "1", suite),
        ("b", "2", f"{suite}-updates"),
    ]


def test_ubuntu_for_arm_comes_from_its_own_archive(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "noble")
    machine.offer({"a": {}}, architecture="amd64")
    machine.offer({"a": {}, "only-arm": {}}, architecture="arm64")
    found = machine.choose("a", "only-arm", architecture="arm64")
    assert {(deb.archive, deb.architecture) for deb in found} == {
        ("ubuntu-ports", "arm64")
    }
