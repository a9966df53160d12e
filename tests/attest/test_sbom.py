"""The bill of materials fits the published schema, and is the same for everybody."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given
from hypothesis import strategies as st
from packageurl import PackageURL

from artefacts import make_wheel
from debian_archive import make_deb
from firstlight.attest import purl
from firstlight.attest.evidence import gather
from firstlight.attest.licences import Licence
from firstlight.attest.needs import Needs
from firstlight.attest.sbom import sbom
from firstlight.digest import Digest, of_bytes
from firstlight.lock.lockfile import Deb, Lock, Wheel
from firstlight.lock.system import SUITES
from firstlight.oci.model import Image, canonical_json
from firstlight.progress import Progress
from firstlight.store import Store
from pack.hand_locks import AMD64, NOTHING, Bench
from share.registries import MASTERS

Bill = dict[str, Any]


def wheel(name: str, version: str = "1.0") -> Wheel:
    return Wheel(
        name=name,
        version=version,
        filename=f"{name}-{version}-py3-none-any.whl",
        digest=of_bytes(f"{name} {version}".encode()),
        url="https://packages.example.org/x.whl",
    )


def deb(name: str, version: str = "1.0-1", architecture: str = "amd64") -> Deb:
    return Deb(
        name=name,
        version=version,
        architecture=architecture,
        filename=f"pool/main/{name}.deb",
        size=1,
        digest=of_bytes(f"deb {name} {version}".encode()),
        archive="debian-security",
        suite="bookworm-security",
    )


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A project whose packages need each other."""
    folder = tmp_path_factory.mktemp("bench")
    bench = Bench(folder, Store.open(folder / "store"))
    (folder / "wheels").mkdir()
    alpha = make_wheel(
        folder / "wheels",
        "alpha",
        requires=[
            "Beta_Two[fast]>=1",
            "gone; python_version < '3'",
            "zeta; extra == 'x'",
        ],
        metadata="License-Expression: MIT OR Apache-2.0\n",
    )
    beta = make_wheel(
        folder / "wheels", "beta-two", requires=["gamma; extra == 'fast'", "??"]
    )
    bench.wheels.update({"alpha": alpha, "beta-two": beta})
    bench.wheel("gamma", {"gamma.py": b""})
    bench.deb("base-passwd", MASTERS)
    pool = folder / "archive/pool"
    bench.debs["libone"] = make_deb(
        pool,
        "libone",
        control={"Source": "one-src (0.9-1)", "Provides": "one-api (= 1)"},
        files={"usr/share/doc/libone/copyright": b"hello"},
    )
    bench.debs["tool"] = make_deb(
        pool,
        "tool",
        control={
            "Depends": "nothing | one-api (>= 1),\n libone",
            "Pre-Depends": "tool",
        },
        files={"usr/bin/tool": b"#!/bin/sh\n"},
    )
    return bench


@pytest.fixture(scope="module")
def image(bench: Bench) -> Image:
    return bench.build(bench.lock())


def bill_of(bench: Bench, lock: Lock, image: Image) -> Bill:
    (found,) = gather(
        lock,
        bench.pylock(),
        [image],
        compression="gzip",
        folder=bench.folder,
        store=bench.store,
        settings=bench.settings(),
        progress=Progress(),
    )
    return dict(found.sbom)


@pytest.fixture(scope="module")
def bill(bench: Bench, image: Image) -> Bill:
    return bill_of(bench, bench.lock(), image)


def hand_made(
    lock: Lock, wheels: Sequence[Wheel], debs: Sequence[Deb], image: Image
) -> Bill:
    """A bill of packages that nobody read."""
    part = replace(lock.platforms[0], debs=tuple(debs))
    said = {each.digest: Needs() for each in (*wheels, *debs)}
    terms: Mapping[Digest, Licence] = {}
    lock = replace(lock, platforms=(part,))
    return sbom(lock, wheels, image, needs=said, licences=terms)


def assert_valid(bill: Bill) -> None:
    text = canonical_json(bill).decode()
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    assert problem is None, problem
    Bom.from_json(data=json.loads(text))  # type: ignore[attr-defined]


def edges(bill: Bill) -> dict[str, set[str]]:
    """Who needs whom, by name."""
    own = bill["metadata"]["component"]
    names = {each["bom-ref"]: each["name"] for each in (*bill["components"], own)}
    return {
        names[each["ref"]]: {names[target] for target in each.get("dependsOn", ())}
        for each in bill["dependencies"]
    }


def test_a_bill_fits_the_schema(bill: Bill) -> None:
    assert_valid(bill)
    assert {each["name"] for each in bill["components"]} == {
        *("alpha", "beta-two", "gamma", "base-passwd", "libone", "tool", "debian")
    }


def test_every_package_has_version_digest_and_package_url(
    bench: Bench, bill: Bill
) -> None:
    found = {each["name"]: each for each in bill["components"]}
    for name, path in {**bench.wheels, **bench.debs}.items():
        (sum_,) = found[name]["hashes"]
        assert sum_ == {"alg": "SHA-256", "content": of_bytes(path.read_bytes())[7:]}
        assert found[name]["purl"] == found[name]["bom-ref"]
    assert found["beta-two"]["purl"] == "pkg:pypi/beta-two@1.0"
    qualifiers = "?arch=amd64&distro=debian-12&upstream=one-src%400.9-1"
    assert found["libone"]["purl"] == f"pkg:deb/debian/libone@1.0-1{qualifiers}"
    assert found["debian"]["version"] == "12"


def test_the_image_is_the_main_component(image: Image, bill: Bill) -> None:
    main = bill["metadata"]["component"]
    said = {each["name"]: each["value"] for each in main["properties"]}
    assert main["type"] == "container"
    assert said["firstlight:image-id"] == image.id
    assert said["firstlight:manifest"] == image.manifest
    assert main["purl"] == f"pkg:oci/demo@{image.manifest}?arch=amd64"


def test_who_needs_whom_is_read_from_the_packages(bill: Bill) -> None:
    found = edges(bill)
    assert found["alpha"] == {"beta-two"}
    assert found["beta-two"] == {"gamma"}, "an extra counts where it is asked for"
    assert found["tool"] == {"libone"}, "of alternatives the one that is there"
    assert found["demo"] == {"alpha", "base-passwd", "tool", "debian"}
    assert found["gamma"] == found["libone"] == set()


def test_a_licence_is_an_expression_where_there_is_one(bill: Bill) -> None:
    found = {each["name"]: each.get("licenses") for each in bill["components"]}
    assert found["alpha"] == [{"expression": "MIT OR Apache-2.0"}]
    assert found["gamma"] is None


def test_a_bill_is_the_same_for_whoever_builds_the_image(
    bench: Bench, image: Image, bill: Bill
) -> None:
    elsewhere = bench.elsewhere()
    built = elsewhere.build(bench.lock())
    assert canonical_json(bill_of(elsewhere, bench.lock(), built)) == (
        canonical_json(bill)
    )


def test_packages_that_are_gone_from_the_store_are_no_loss(
    bench: Bench, image: Image, bill: Bill
) -> None:
    lock = bench.lock()
    inputs = [*bench.selected(), *lock.platforms[0].debs]
    for each in inputs:
        bench.store.path(each.digest).unlink()
    assert bill_of(bench, lock, image) == bill
    assert not any(bench.store.has(each.digest) for each in inputs)
    for kind in ("needs", "licence"):
        for fact in (bench.store.root / "facts" / kind).iterdir():
            fact.unlink()
    assert bill_of(bench, lock, image) == bill


def test_another_manifest_or_platform_is_another_bill(
    bench: Bench, image: Image, bill: Bill
) -> None:
    other = replace(image, manifest=NOTHING)
    assert bill_of(bench, bench.lock(), other)["serialNumber"] != bill["serialNumber"]


@pytest.mark.parametrize("suite", sorted(SUITES))
def test_every_os_release_gives_a_valid_bill(
    bench: Bench, image: Image, suite: str
) -> None:
    lock = replace(bench.lock(), suite=suite, python=SUITES[suite].python)
    made = hand_made(lock, [wheel("torch", "2.7.1+cu126")], [deb("libc6")], image)
    assert_valid(made)
    system = SUITES[suite]
    purls = [each["purl"] for each in made["components"] if "purl" in each]
    assert purls == [
        f"pkg:deb/{system.distribution}/libc6@1.0-1?arch=amd64"
        f"&distro={system.distribution}-{system.version}",
        "pkg:pypi/torch@2.7.1%2Bcu126",
    ]


@given(
    version=st.from_regex(r"(\d{1,2}:)?\d[0-9A-Za-z.+~-]{0,12}", fullmatch=True),
    name=st.from_regex(r"[a-z0-9][a-z0-9+.-]{1,12}", fullmatch=True),
    suite=st.sampled_from(sorted(SUITES)),
)
def test_the_purl_of_a_deb_is_what_the_reference_library_writes(
    name: str, version: str, suite: str
) -> None:
    system = SUITES[suite]
    made = purl.of_deb(
        deb(name, version), system, source="src+x", source_version="2:1.0~a"
    )
    qualifiers = {
        "arch": "amd64",
        "distro": f"{system.distribution}-{system.version}",
        "upstream": "src+x@2:1.0~a",
    }
    expected = PackageURL("deb", system.distribution, name, version, qualifiers)
    assert made == expected.to_string()
    assert PackageURL.from_string(made) == expected


@given(
    version=st.from_regex(
        r"(\d!)?\d(\.\d{1,3}){0,3}(\+[a-z0-9.]{1,8})?", fullmatch=True
    )
)
def test_the_purl_of_a_wheel_is_what_the_reference_library_writes(version: str) -> None:
    made = purl.of_wheel(wheel("Flash_Attn", version))
    assert made == PackageURL("pypi", None, "flash-attn", version).to_string()


def test_the_purl_of_an_image_is_what_the_reference_library_writes(
    image: Image,
) -> None:
    made = purl.of_image("My.Project", image)
    expected = PackageURL(
        "oci", None, "my.project", image.manifest, {"arch": AMD64.partition("/")[2]}
    )
    assert made == expected.to_string()


def test_no_file_of_this_machine_is_named(
    bench: Bench, bill: Bill, tmp_path: Path
) -> None:
    text = canonical_json(bill).decode()
    assert str(bench.folder) not in text
    assert str(tmp_path.parent) not in text
