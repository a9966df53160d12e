from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstlight.digest import of_bytes
from firstlight.errors import LockError
from firstlight.lock.lockfile import (
    Archive,
    Deb,
    LayerFact,
    Lock,
    PlatformLock,
    Stack,
    lock_digest,
)
from firstlight.lock.text import dump_lock, parse_lock

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
WORD = TEXT.filter(bool)
DIGEST = st.binary(max_size=4).map(of_bytes)
WORDS = st.lists(WORD, max_size=3).map(tuple)


def listed(kind: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(kind, max_size=2).map(tuple)


ARCHIVE = st.builds(Archive, name=WORD, suite=WORD, snapshot=WORD, release=DIGEST)
DEB = st.builds(
    Deb,
    name=WORD,
    version=WORD,
    architecture=WORD,
    filename=WORD,
    size=st.integers(0, 1 << 40),
    digest=DIGEST,
    archive=WORD,
    suite=WORD,
)
STACK = st.builds(
    Stack, torch=TEXT, cuda=TEXT, architectures=WORDS, ptx=WORDS, glibc=TEXT
)
LAYER = st.builds(
    LayerFact,
    key=DIGEST,
    title=WORD,
    digest=DIGEST,
    diff_id=DIGEST,
    size=st.integers(0, 1 << 40),
)
PLATFORM = st.builds(
    PlatformLock,
    platform=WORD,
    packages=DIGEST,
    stack=STACK,
    debs=listed(DEB),
    layers=listed(LAYER),
    image_id=st.none() | DIGEST,
    manifest=st.none() | DIGEST,
)
LOCK = st.builds(
    Lock,
    name=WORD,
    source=TEXT,
    spec=DIGEST,
    pylock=DIGEST,
    python=WORD,
    suite=WORD,
    profile=WORD,
    environment=st.dictionaries(WORD, TEXT, max_size=3).map(
        lambda table: tuple(table.items())
    ),
    archives=listed(ARCHIVE),
    platforms=listed(PLATFORM),
)

DEB_ONE = Deb(
    name="git",
    version="1:2.39.5-0+deb12u2",
    architecture="amd64",
    filename="pool/main/g/git/git_2.39.5-0+deb12u2_amd64.deb",
    size=7256896,
    digest=of_bytes(b"git"),
    archive="debian",
    suite="bookworm",
)
LOCK_ONE = Lock(
    name="project",
    spec=of_bytes(b"spec"),
    pylock=of_bytes(b"pylock"),
    python="3.11",
    suite="bookworm",
    profile="train",
    direct=("einops", "numpy"),
    environment=(("HF_HOME", "/workspace/.hf"),),
    archives=(),
    platforms=(
        PlatformLock(
            platform="linux/amd64",
            packages=of_bytes(b"wheels"),
            stack=Stack(torch="2.7.1+cu126", cuda="12.6"),
            debs=(DEB_ONE,),
        ),
    ),
)


@given(LOCK)
@settings(deadline=None, max_examples=60)
def test_what_is_written_is_read_back(lock: Lock) -> None:
    assert parse_lock(dump_lock(lock)) == lock


def test_writes_three_hundred_packages_quickly() -> None:
    part = replace(LOCK_ONE.platforms[0], debs=(DEB_ONE,) * 300)
    lock = replace(LOCK_ONE, platforms=(part,))
    times = []
    for _ in range(5):
        start = time.process_time()
        dump_lock(lock)
        times.append(time.process_time() - start)
    assert min(times) < 0.05


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("size = 7256896", 'size = "many"', r"platforms\[0\].debs\[0\].size"),
        ('name = "git", ', "", r"platforms\[0\].debs\[0\]"),
        ('python = "3.11"', 'pithon = "3.11"', "pithon"),
        (f'spec = "{of_bytes(b"spec")}"', 'spec = "sha256:1"', "'spec'"),
        ('python = "3.11"', "python = ", "not valid TOML"),
        ("lock-version = 1", "lock-version = 2", "lock-version 2"),
        ("\nformat = 3", "\nformat = 2", "builder format 2"),
        ('HF_HOME" = "/workspace/.hf"', 'HF_HOME" = 1', "environment"),
        ("archives = []", "archives = 1", "archives"),
        ("[environment]", "[[environment]]", "environment"),
    ],
)
def test_names_the_file_and_the_field_that_is_wrong(
    old: str, new: str, path: str
) -> None:
    text = dump_lock(LOCK_ONE)
    assert old in text
    with pytest.raises(LockError, match=path) as caught:
        parse_lock(text.replace(old, new), "here/firstlight.lock")
    assert "here/firstlight.lock" in caught.value.message


def test_what_came_out_is_no_part_of_the_digest() -> None:
    built = replace(LOCK_ONE.platforms[0], image_id=of_bytes(b"image"))
    assert lock_digest(replace(LOCK_ONE, platforms=(built,))) == lock_digest(LOCK_ONE)
    assert lock_digest(replace(LOCK_ONE, python="3.12")) != lock_digest(LOCK_ONE)
    # It decides which packages share a layer.
    assert lock_digest(replace(LOCK_ONE, direct=("numpy",))) != lock_digest(LOCK_ONE)


def test_holds_no_address() -> None:
    assert "://" not in dump_lock(LOCK_ONE)
