"""The bill of materials of an image: a CycloneDX 1.6 document, made from the lock.

Every wheel and every ``.deb`` with version, digest, package URL and licence; the image
itself as what they are part of. A pure function of the lock, the packages and the
image: no clock, no random serial number, so whoever builds the image has the same bill.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from firstlight import __version__
from firstlight.attest import purl
from firstlight.attest.licences import UNKNOWN, Licence
from firstlight.attest.needs import Needs, deb_edges, wheel_edges
from firstlight.digest import Digest
from firstlight.lock.lockfile import Deb, Lock, Wheel, lock_digest
from firstlight.lock.python import marker_environment
from firstlight.lock.system import SUITES, System
from firstlight.oci.model import Image
from firstlight.pack.known import part_of

__all__ = ["sbom"]

_SCHEMA = "http://cyclonedx.org/schema/bom-1.6.schema.json"
_TOOL = {"type": "application", "name": "firstlight", "version": __version__}


def sbom(
    lock: Lock,
    wheels: Sequence[Wheel],
    image: Image,
    *,
    licences: Mapping[Digest, Licence],
    needs: Mapping[Digest, Needs],
) -> dict[str, Any]:
    """Return the bill of materials of an image.

    Args:
        wheels: What the lock's ``pylock.toml`` selects for the image's platform.
        image: As it is in the registry: its manifest is named.
        licences: What each package says, by digest; those that are missing are not
            stated.
        needs: What each package says of others, by digest.
    """
    bill = _Bill(
        lock=lock,
        system=SUITES[lock.suite],
        wheels=wheels,
        debs=part_of(lock, image.platform).debs,
        image=image,
        licences=licences,
        needs=needs,
    )
    return {
        "$schema": _SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{bill.serial()}",
        "version": 1,
        "metadata": {
            "tools": {"components": [_TOOL]},
            "component": bill.image_component(),
        },
        "components": sorted(bill.components(), key=lambda each: str(each["bom-ref"])),
        "dependencies": bill.dependencies(),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bill:
    """What a bill is made from."""

    lock: Lock
    system: System
    wheels: Sequence[Wheel]
    debs: Sequence[Deb]
    image: Image
    licences: Mapping[Digest, Licence]
    needs: Mapping[Digest, Needs]

    def serial(self) -> str:
        """A serial number that equal images share."""
        parts = (lock_digest(self.lock), self.image.platform, self.image.manifest)
        return str(uuid5(NAMESPACE_URL, " ".join(parts)))

    @property
    def own_reference(self) -> str:
        """How the bill refers to the image."""
        return purl.of_image(self.lock.name, self.image)

    def references(self) -> dict[Digest, str]:
        """How the bill refers to each package."""
        found: dict[Digest, str] = {}
        for wheel in self.wheels:
            found[wheel.digest] = purl.of_wheel(wheel)
        for deb in self.debs:
            found[deb.digest] = self._deb_purl(deb)
        return found

    def image_component(self) -> dict[str, Any]:
        """The image, by its manifest, with its ID and where it came from."""
        lock, stack = self.lock, part_of(self.lock, self.image.platform).stack
        properties = {
            "image-id": self.image.id,
            "manifest": self.image.manifest,
            "platform": self.image.platform,
            "lock": lock_digest(lock),
            "format": str(lock.format),
            "python": lock.python,
            "torch": stack.torch,
            "cuda": stack.cuda,
        }
        return {
            "type": "container",
            "bom-ref": self.own_reference,
            "name": lock.name,
            "version": self.image.name,
            "purl": self.own_reference,
            "hashes": _hashes(self.image.manifest),
            "properties": _properties(properties),
        }

    def components(self) -> Iterator[dict[str, Any]]:
        """The operating system, the wheels, the OS packages."""
        # Scanners look for this one to know whose advisories count.
        yield {
            "type": "operating-system",
            "bom-ref": self._system_reference,
            "name": self.system.distribution,
            "version": self.system.version,
        }
        for wheel in self.wheels:
            yield self._component(purl.of_wheel(wheel), wheel, {"file": wheel.filename})
        for deb in self.debs:
            archive = f"{deb.archive} {deb.suite}"
            yield self._component(
                self._deb_purl(deb), deb, {"file": deb.filename, "archive": archive}
            )

    def _component(
        self, reference: str, package: Wheel | Deb, properties: Mapping[str, str]
    ) -> dict[str, Any]:
        return {
            "type": "library",
            "bom-ref": reference,
            "name": package.name,
            "version": package.version,
            "purl": reference,
            "hashes": _hashes(package.digest),
            **self._licence(package.digest),
            "properties": _properties(properties),
        }

    def dependencies(self) -> list[dict[str, Any]]:
        """Who needs whom; what nobody needs is needed by the image itself."""
        names = self.references()
        environment = marker_environment(self.image.platform, self.system)
        architecture = self.image.platform.partition("/")[2]
        edges = {
            **wheel_edges(self.wheels, self.needs, environment),
            **deb_edges(self.debs, self.needs, architecture),
        }
        needed = {each for targets in edges.values() for each in targets}
        own = [names[digest] for digest in names if digest not in needed]
        table = {
            names[digest]: sorted({names[each] for each in targets})
            for digest, targets in edges.items()
        }
        table[self.own_reference] = sorted({*own, self._system_reference})
        table[self._system_reference] = []
        return [
            {"ref": ref, **({"dependsOn": targets} if targets else {})}
            for ref, targets in sorted(table.items())
        ]

    @property
    def _system_reference(self) -> str:
        return f"os:{self.system.distribution}@{self.system.version}"

    def _deb_purl(self, deb: Deb) -> str:
        said = self.needs.get(deb.digest, Needs())
        return purl.of_deb(
            deb,
            self.system,
            source=said.source,
            source_version=said.source_version,
        )

    def _licence(self, digest: Digest) -> dict[str, Any]:
        found = self.licences.get(digest)
        if found is None or found.expression == UNKNOWN:
            return {}
        if found.is_spdx:
            return {"licenses": [{"expression": found.expression}]}
        return {"licenses": [{"license": {"name": found.expression}}]}


def _hashes(digest: Digest) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": digest.removeprefix("sha256:")}]


def _properties(table: Mapping[str, str]) -> list[dict[str, str]]:
    return [
        {"name": f"firstlight:{name}", "value": value}
        for name, value in sorted(table.items())
        if value
    ]
