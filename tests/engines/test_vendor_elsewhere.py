"""One user vendors, another rebuilds: other rights, other place, and no network at all.

The network that the other user has is a new one without any device that is up: no
loopback, so no server and no name can be asked by any means.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from engine_tools import Built, Project, Tool
from pythons import ORDINARY

pytestmark = [
    pytest.mark.slow,
    pytest.mark.engine,
    pytest.mark.skipif(
        os.geteuid() != 0, reason="only root can become another user without a network"
    ),
]

NO_NETWORK = ("unshare", "--net")
PRIVATE = ("sh", "-c", 'umask 077; exec "$@"', "sh")
ASK = """\
import socket
for address in (("127.0.0.1", {port}), ("192.0.2.1", 80)):
    try:
        socket.create_connection(address, 2)
    except OSError as error:
        print(error.errno)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with nothing but a home, who is not root and not the first user."""

    home: Path
    project: Project

    @classmethod
    def make(cls, home: Path, python: Path) -> Person:
        """An empty home and an empty project in it, in nobody else's hands."""
        folder = home / "somewhere else"
        folder.mkdir(parents=True)
        project = Project(folder=folder, store=home / "store", python=python)
        for path in (home, folder):
            os.chown(path, 65534, 65534)
        return cls(home=home, project=project)

    def run(self, *arguments: object, network: bool = False) -> str:
        """Run firstlight as this person, with no network unless one is given."""
        apart = () if network else NO_NETWORK
        return self.project.run(
            *arguments,
            environ={
                "HOME": str(self.home),
                "TZ": "Asia/Kathmandu",
                "LC_ALL": "C",
                "FIRSTLIGHT_MIRROR_DEBIAN": "https://no.such.host.example/debian",
            },
            prefix=(*apart, *ORDINARY, *PRIVATE),
        )

    def build(self, *arguments: object) -> dict[str, object]:
        """Build offline and return what the build says."""
        told = self.run("build", "--offline", "--json", *arguments)
        found: dict[str, object] = json.loads(told)
        return found

    def owners(self) -> set[int]:
        """To whom everything belongs that was made."""
        return {path.stat().st_uid for path in self.project.store.rglob("*")}


@pytest.fixture(scope="module")
def vendored(project: Project, small_image: Built, workspace: Path) -> Path:
    """What root vendored of the small project after building it."""
    assert small_image.image_id
    builder = Project(folder=workspace / "builder", store=project.store)
    place = workspace / "kept"
    told = json.loads(builder.run("vendor", "--json", f"oci:{place}"))
    assert told["subject"] == small_image.manifest_digest
    assert told["releases"] == 3
    return place


@pytest.fixture
def person(workspace: Path, ordinary_python: Path) -> Person:
    """The other user."""
    number = len(list(workspace.glob("stranger-*")))
    home = workspace / f"stranger-{number}"
    home.mkdir()
    return Person.make(home, ordinary_python)


def give(source: Path, person: Person) -> Path:
    """Bring what was vendored to the other user as a copy, as a stick would."""
    target = person.project.folder / "vendor"
    shutil.copytree(source, target)
    for path in (target, *target.rglob("*")):
        os.chown(path, 65534, 65534)
    return target


def test_there_really_is_no_network(ordinary_python: Path, registry: str) -> None:
    program = ASK.format(port=registry.rpartition(":")[2])
    words = (*NO_NETWORK, *ORDINARY, str(ordinary_python), "-c", program)
    assert Tool(words=words).run().split() == ["101", "101"]  # ENETUNREACH


def test_another_user_without_a_network_gets_the_same_image(
    vendored: Path, person: Person, small_image: Built
) -> None:
    give(vendored, person)
    person.run("vendor", "--unpack")
    told = person.build()
    assert told["image_id"] == small_image.image_id
    assert told["manifest"] == small_image.manifest_digest
    assert person.owners() == {65534}
    checked = json.loads(person.run("vendor", "--check", "--json"))
    assert checked["signed"] == checked["system_packages"] > 100
    # Vendoring what was vendored needs no network either, and is the same artefact.
    again = json.loads(person.run("vendor", "--offline", "--json", "oci-archive:a.tar"))
    assert again["digest"] == checked["digest"]


def test_one_that_belongs_to_root_is_read_in_place(
    vendored: Path, person: Person, small_image: Built, skopeo: Tool
) -> None:
    # Other tools take it for what it is, beside the image in the same layout.
    name = f"oci:{vendored}:accept-vendor"
    found = json.loads(skopeo.run("inspect", "--raw", name))
    assert found["artifactType"] == "application/vnd.firstlight.vendor.v1"
    titles = [
        each["annotations"]["org.opencontainers.image.title"]
        for each in found["layers"]
    ]
    assert "archives/debian/dists/bookworm/InRelease" in titles
    person.run("vendor", "--unpack", vendored, person.project.folder)
    lock = (person.project.folder / "firstlight.lock").read_text()
    assert small_image.image_id in lock
    dry = json.loads(person.run("vendor", "--dry-run", "--json", "--offline"))
    assert dry["files"] > 150


def test_from_a_registry_then_without_a_network(
    vendored: Path,
    workspace: Path,
    project: Project,
    registry: str,
    person: Person,
    small_image: Built,
) -> None:
    builder = Project(folder=workspace / "builder", store=project.store)
    name = f"{registry}/team/accept"
    pushed = json.loads(builder.run("vendor", "--json", f"{name}:kept"))
    assert pushed["sent"] > 50_000_000
    again = json.loads(builder.run("vendor", "--json", f"{name}:kept"))
    assert (again["sent"], again["digest"]) == (0, pushed["digest"])
    fetched = person.run("vendor", "--fetch", "--json", f"{name}:kept", network=True)
    assert json.loads(fetched)["digest"] == pushed["digest"]
    # What was fetched is in the store too: without it, the folder alone must do.
    shutil.rmtree(person.project.store)
    person.run("vendor", "--unpack")
    assert person.build()["image_id"] == small_image.image_id
