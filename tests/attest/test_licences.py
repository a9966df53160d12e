"""Licences: what packages say of themselves, in SPDX, and nothing that they do not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.licenses import canonicalize_license_expression

from artefacts import make_wheel
from debian_archive import make_deb
from firstlight.attest import licences, spdx
from firstlight.attest.licences import UNKNOWN, licence_of_deb, licence_of_wheel
from firstlight.errors import ArtefactError
from firstlight.store import Store
from pack.hand_locks import Bench

MIT = """\
MIT License

Copyright (c) 2026 Nobody

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software, to deal in the Software without restriction. The above copyright
notice and this permission notice shall be included in all copies.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND.
"""
BSD = """\
Redistribution and use in source and binary forms, with or without modification, are
permitted: redistributions of source code must retain the above copyright notice;
redistributions in binary form must reproduce the above copyright notice{more}.
"""
BSD3 = BSD.format(
    more="; nobody's name may endorse or promote products derived from it"
)
DEP5 = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"


def of_wheel(
    folder: Path, *lines: str, files: dict[str, str] | None = None
) -> licences.Licence:
    path = make_wheel(
        folder,
        metadata="".join(f"{line}\n" for line in lines),
        extra={f"demo-1.0.dist-info/{at}": text for at, text in (files or {}).items()},
    )
    return licence_of_wheel(path, filename=path.name)


def of_deb(folder: Path, text: str) -> licences.Licence:
    path = make_deb(folder, files={"usr/share/doc/demo/copyright": text.encode()})
    return licence_of_deb(path, filename=path.name)


@pytest.mark.parametrize(
    ("lines", "expression", "source"),
    [
        (["License-Expression: mit or apache-2.0"], "MIT OR Apache-2.0", "Expression"),
        (["License-Expression: MIT", "License: GPL"], "MIT", "Expression"),
        (["License-Expression: no such thing", "License: ISC"], "ISC", "License"),
        (["License: Apache 2.0"], "Apache-2.0", "License"),
        (["License: The MIT License"], "MIT", "License"),
        (["License: BSD-2-Clause"], "BSD-2-Clause", "License"),
        (["Classifier: License :: OSI Approved :: MIT License"], "MIT", "classifiers"),
        (
            [
                "License: UNKNOWN",
                "Classifier: License :: OSI Approved :: MIT License",
                "Classifier: License :: OSI Approved :: Apache Software License",
            ],
            "MIT AND Apache-2.0",
            "classifiers",
        ),
        (
            ["Classifier: License :: OSI Approved :: BSD License"],
            "LicenseRef-BSD",
            "classifiers",
        ),
        (["License: do what you like"], UNKNOWN, ""),
        ([], UNKNOWN, ""),
    ],
)
def test_a_wheel_says_it_in_its_metadata(
    tmp_path: Path, lines: list[str], expression: str, source: str
) -> None:
    found = of_wheel(tmp_path, *lines)
    assert found.expression == expression
    assert found.source.endswith(source)
    assert found.is_spdx == (expression != UNKNOWN)


def test_the_text_tells_which_licence_of_a_family_it_is(tmp_path: Path) -> None:
    family = "Classifier: License :: OSI Approved :: BSD License"
    found = of_wheel(tmp_path, family, files={"licenses/LICENSE": BSD3})
    assert found.expression == "BSD-3-Clause"
    assert found.files == ("demo-1.0.dist-info/licenses/LICENSE",)
    found = of_wheel(tmp_path, family, files={"LICENSE.txt": BSD.format(more="")})
    assert found.expression == "BSD-2-Clause"


def test_a_text_alone_counts_only_when_nothing_else_is_in_it(tmp_path: Path) -> None:
    assert of_wheel(tmp_path, files={"LICENSE": MIT}).expression == "MIT"
    assert of_wheel(tmp_path, files={"LICENSE": MIT + BSD3}).expression == UNKNOWN
    assert (
        of_wheel(tmp_path, files={"LICENSE": MIT + "x " * 2000}).expression == UNKNOWN
    )


@pytest.mark.parametrize(
    "lines",
    [
        ["License: NVIDIA Proprietary Software"],
        ["License: LicenseRef-NVIDIA-Proprietary"],
        ["License-Expression: LicenseRef-NVIDIA-Proprietary"],
        ["Classifier: License :: Other/Proprietary License"],
    ],
)
def test_what_is_proprietary_is_flagged(tmp_path: Path, lines: list[str]) -> None:
    assert of_wheel(tmp_path, *lines).is_proprietary


def test_an_open_licence_outweighs_a_careless_classifier(tmp_path: Path) -> None:
    """NVTX: its classifier says proprietary, its licence is Apache 2.0."""
    found = of_wheel(
        tmp_path,
        "License: Apache 2.0",
        "Classifier: License :: Other/Proprietary License",
    )
    assert (found.expression, found.is_proprietary) == ("Apache-2.0", False)


def test_metadata_of_absurd_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="METADATA"):
        of_wheel(tmp_path, *["Keywords: " + "x" * 1000] * 9000)


def test_an_absurd_expression_is_none(tmp_path: Path) -> None:
    found = of_wheel(tmp_path, "License-Expression: " + "(" * 3000 + "MIT" + ")" * 3000)
    assert found.expression == UNKNOWN


@pytest.mark.parametrize(
    ("paragraphs", "expression"),
    [
        (["Files: *\nLicense: Expat"], "MIT"),
        (["Files: *\nLicense: GPL-2+", "License: GPL-2+\n text"], "GPL-2.0-or-later"),
        (
            ["Files: *\nLicense: GPL-2+ or Artistic, and Expat"],
            "(GPL-2.0-or-later OR Artistic-1.0-Perl) AND MIT",
        ),
        (
            ["Files: *\nLicense: LGPL-2.1", "Files: debian/*\nLicense: GPL-3+"],
            "LGPL-2.1-only AND GPL-3.0-or-later",
        ),
        (
            ["Files: *\nLicense: GPL-3+ with Bison exception"],
            "GPL-3.0-or-later WITH Bison-exception-2.2",
        ),
        (["Files: *\nLicense: our-own thing"], "LicenseRef-debian-our-own-thing"),
        (["Files: *\nLicense: A and B or C"], "LicenseRef-debian-A-and-B-or-C"),
    ],
)
def test_a_copyright_file_for_programs_is_joined(
    tmp_path: Path, paragraphs: list[str], expression: str
) -> None:
    found = of_deb(tmp_path, DEP5 + "\n" + "\n\n".join(paragraphs) + "\n")
    assert (found.expression, found.source) == (expression, "copyright")
    assert found.files == ("/usr/share/doc/demo/copyright",)


@pytest.mark.parametrize(
    "text",
    [
        "This is free software under the GNU General Public License, version 2.\n",
        "License: GPL-2\n",
        "",
        DEP5,
    ],
)
def test_what_only_people_can_read_is_pointed_at(tmp_path: Path, text: str) -> None:
    found = of_deb(tmp_path, text)
    assert found.expression == "see /usr/share/doc/demo/copyright"
    assert not found.is_spdx


def test_a_deb_without_documentation_says_nothing(tmp_path: Path) -> None:
    path = make_deb(tmp_path, files={"usr/bin/demo": b""})
    assert licence_of_deb(path, filename=path.name).expression == UNKNOWN


def test_a_deb_whose_documentation_is_anothers_has_its_licence(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Store.open(tmp_path / "store"))
    bench.wheel("alpha")
    text = f"{DEP5}\nFiles: *\nLicense: GPL-3+\n".encode()
    bench.deb("base", {"usr/share/doc/base/copyright": text})
    bench.debs["part"] = make_deb(
        tmp_path / "archive/pool", "part", links={"usr/share/doc/part": "base"}
    )
    debs = bench.lock().platforms[0].debs
    for deb in debs:
        bench.store.put((tmp_path / "archive" / deb.filename).read_bytes())
    found = licences.licences([], debs, bench.store)
    by_name = {deb.name: found[deb.digest] for deb in debs}
    assert by_name["part"].expression == "GPL-3.0-or-later"
    assert by_name["part"].package == "base"
    alone = licences.licences([], [debs[1]], bench.store)[debs[1].digest]
    assert alone.expression == "see /usr/share/doc/base/copyright"


def test_a_package_is_read_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Store.open(tmp_path / "store"))
    path = bench.wheel("alpha")
    bench.store.put(path.read_bytes())
    wheels = bench.selected()
    first = licences.licences(wheels, [], bench.store)
    bench.store.path(wheels[0].digest).unlink()
    assert licences.licences(wheels, [], bench.store) == first
    other = replace(wheels[0], digest=bench.store.put(b"no wheel"))
    with pytest.raises(ArtefactError):
        licences.licences([other], [], bench.store)


@settings(deadline=None)
@given(st.text(max_size=80))
def test_whatever_debian_writes_becomes_a_valid_expression(text: str) -> None:
    found = spdx.from_debian(text)
    assert not found or canonicalize_license_expression(found)


@settings(deadline=None)
@given(st.text(max_size=300))
def test_no_text_upsets_the_reader(text: str) -> None:
    for given_text in (text, DEP5 + text, f"{DEP5}\nFiles: *\nLicense: {text}"):
        licences.of_copyright("demo", given_text)
    licences.of_metadata(f"License: {text}".encode())
    spdx.from_text(text)
