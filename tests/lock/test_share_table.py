"""Where an image is shared, as a spec says it."""

from __future__ import annotations

from pathlib import Path

import pytest

from firstlight.encoding.encode import Encoding
from firstlight.errors import SpecError
from firstlight.lock.share_table import COMPRESSIONS, Share
from firstlight.lock.spec import read_spec


def share(folder: Path, text: str) -> Share:
    (folder / "firstlight.toml").write_text(f'python = "3.11"\n{text}')
    return read_spec(folder).share


def test_without_the_table_it_is_shared_nowhere(tmp_path: Path) -> None:
    assert share(tmp_path, "") == Share(image="", compression="gzip")


def test_a_repository_and_a_compression(tmp_path: Path) -> None:
    text = '[share]\nimage = "localhost:5000/team/torch"\ncompression = "zstd"\n'
    found = share(tmp_path, text)
    assert found == Share(image="localhost:5000/team/torch", compression="zstd")


def test_it_is_no_part_of_the_digest(tmp_path: Path) -> None:
    share(tmp_path, "")
    before = read_spec(tmp_path).digest
    share(tmp_path, '[share]\nimage = "host.test/a"\n')
    assert read_spec(tmp_path).digest == before


def test_every_compression_can_be_made() -> None:
    assert tuple(Encoding) == COMPRESSIONS


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('image = "host.test/team/torch:1"', "a repository without tag and digest"),
        (f'image = "host.test/a@sha256:{"0" * 64}"', "without tag and digest"),
        ('image = "team/torch"', "'team' is no host"),
        ('image = "host.test/Team"', "'Team' is no name of a repository"),
        ("image = 5", "allowed is a string"),
        ('compression = "zst"', 'did you mean "zstd"?'),
        ('compresion = "zstd"', 'did you mean "compression"?'),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    tmp_path: Path, line: str, words: str
) -> None:
    with pytest.raises(SpecError) as caught:
        share(tmp_path, f"[share]\n{line}\n")
    (finding,) = caught.value.findings
    assert finding.where.startswith("firstlight.toml: share.")
    assert words in f"{finding.message} {finding.hint}"
