"""CDI specifications: languages, precedence, and files that are none."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine.gpu_machines import (
    UUIDS,
    device,
    hook,
    mounted,
    specification,
    specify,
    write,
)
from firstlight.engine import cdi
from firstlight.engine.base import Mount
from firstlight.engine.cdi import Edits, pick, read_devices
from firstlight.engine.gpu import find_gpus

# Names without quotes, as a person might write them: other readers take `1:0` for 60.
BY_HAND = """\
---
cdiVersion: 0.5.0
containerEdits:
  deviceNodes:
  - path: /dev/nvidiactl
  env:
  - NVIDIA_VISIBLE_DEVICES=void
  hooks:
  - args: [nvidia-ctk, hook, create-symlinks, --link, a.so.1::/usr/lib/a.so,
           "--link=../card1::/dev/dri/by-path/pci-0000:01:00.0-card"]
    hookName: createContainer
    path: /usr/bin/nvidia-ctk
  mounts:
  - containerPath: /run/nvidia-persistenced/socket
    hostPath: /run/nvidia-persistenced/socket
    options: [ro, nosuid, nodev, bind, noexec]
  - containerPath: /tmp/nvidia-mps
    hostPath: /tmp/nvidia-mps
devices:
- name: 1:0   # a part
  containerEdits:
    deviceNodes:
    - {path: /dev/nvidia1, hostPath: /driver/dev/nvidia1, type: c, major: 195}
    - path: /dev/nvidia-caps/nvidia-cap12
- name: 0
  containerEdits:
    deviceNodes:
    - path: /dev/nvidia0
    env:
kind: nvidia.com/gpu
"""


def names(host: Path, **how: Any) -> set[str]:
    """What the devices are called."""
    return set(read_devices(host, **how))


def test_a_specification_by_hand_is_read_word_by_word(tmp_path: Path) -> None:
    write(tmp_path / "etc/cdi/nvidia.yaml", BY_HAND)
    found = read_devices(tmp_path)
    assert set(found) == {"0", "1:0"}
    part = found["1:0"]
    assert part.own.nodes == (
        Mount(
            source=tmp_path / "driver/dev/nvidia1",
            target="/dev/nvidia1",
            writable=True,
        ),
        Mount(
            source=tmp_path / "dev/nvidia-caps/nvidia-cap12",
            target="/dev/nvidia-caps/nvidia-cap12",
            writable=True,
        ),
    )
    assert part.shared is found["0"].shared
    assert [(m.target, m.writable) for m in part.shared.mounts] == [
        ("/run/nvidia-persistenced/socket", False),
        ("/tmp/nvidia-mps", True),
    ]
    assert part.shared.environment == (("NVIDIA_VISIBLE_DEVICES", "void"),)
    assert part.shared.links == (
        ("a.so.1", "/usr/lib/a.so"),
        ("../card1", "/dev/dri/by-path/pci-0000:01:00.0-card"),
    )


@pytest.mark.parametrize("ending", ["json", "yaml", "yml"])
def test_each_language_says_the_same(tmp_path: Path, ending: str) -> None:
    specify(tmp_path / "this", f"etc/cdi/nvidia.{ending}")
    specify(tmp_path / "that", "etc/cdi/nvidia.json")
    here, there = (read_devices(tmp_path / name) for name in ("this", "that"))
    assert set(here) == {"0", "1", *UUIDS, "all"} == set(there)
    assert here["0"].shared.links == there["0"].shared.links != ()
    assert here["0"].shared.environment == there["0"].shared.environment != ()


def test_engines_do_not_read_every_ending(tmp_path: Path) -> None:
    specify(tmp_path, "etc/cdi/nvidia.yml")
    assert names(tmp_path)
    assert not names(tmp_path, endings=cdi.ENDINGS)


def test_a_later_folder_counts_more_for_the_devices_that_it_names(
    tmp_path: Path,
) -> None:
    specify(tmp_path, "etc/cdi/nvidia.yaml")
    changed = [device("1", "/dev/nvidia7"), device("9", "/dev/nvidia9")]
    specify(tmp_path, "var/run/cdi/nvidia.json", devices=changed)
    found = read_devices(tmp_path)
    assert set(found) == {"0", "1", "9", *UUIDS, "all"}
    assert [node.target for node in found["1"].own.nodes] == ["/dev/nvidia7"]
    assert [node.target for node in found["0"].own.nodes] == ["/dev/nvidia0"]


def test_a_folder_that_two_names_lead_to_is_read_once(tmp_path: Path) -> None:
    specify(tmp_path, "run/cdi/nvidia.yaml")
    (tmp_path / "var").mkdir()
    (tmp_path / "var/run").symlink_to("../run")
    assert "0" in names(tmp_path)


def test_two_files_of_a_folder_cancel_out_what_both_name(tmp_path: Path) -> None:
    specify(tmp_path, "etc/cdi/a.yaml", devices=[device("0", "/a"), device("1", "/a")])
    specify(tmp_path, "etc/cdi/b.json", devices=[device("1", "/b"), device("2", "/b")])
    assert names(tmp_path) == {"0", "2"}


def test_a_file_for_other_devices_is_passed_over(tmp_path: Path) -> None:
    specify(tmp_path, "etc/cdi/a.yaml", kind="vendor.com/net")
    specify(tmp_path, "etc/cdi/b.yaml", devices=[device("5", "/dev/nvidia5")])
    assert names(tmp_path) == {"5"}


def test_what_is_no_file_is_passed_over(tmp_path: Path) -> None:
    """Opening a pipe would wait for ever; a closed folder is as good as none."""
    folder = tmp_path / "etc/cdi"
    (folder / "folder.yaml").mkdir(parents=True)
    os.mkfifo(folder / "pipe.json")
    (folder / "lost.yaml").symlink_to("nowhere")
    write(folder / "large.json", json.dumps(specification()) + " " * (1 << 20))
    specify(tmp_path, "etc/cdi/good.yaml", devices=[device("5", "/dev/nvidia5")])
    (tmp_path / "run").mkdir()
    (tmp_path / "run/cdi").symlink_to("cdi")
    assert names(tmp_path) == {"5"}


SPOILT: list[dict[str, Any]] = [
    {"kind": None},
    {"kind": ["nvidia.com/gpu"]},
    {"devices": None},
    {"devices": {"0": {}}},
    {"devices": ["0"]},
    {"devices": [{"name": "0"}]},
    {"devices": [{"name": "0", "containerEdits": {}}]},
    {"devices": [{**device("0", "/dev/nvidia0"), "name": 0}]},
    {"devices": [device("0", "/dev/nvidia0"), device("0", "/dev/nvidia1")]},
    {"devices": [device("0", "dev/nvidia0")]},
    {"devices": [device("0", "/dev/\0")]},
    {"devices": [device("0", "/dev/\ud800")]},
    {"containerEdits": "none"},
    {"containerEdits": {"mounts": [{}]}},
    {"containerEdits": {"mounts": [mounted("relative")]}},
    {"containerEdits": {"mounts": [{**mounted("/a"), "options": "ro"}]}},
    {"containerEdits": {"env": ["PATH"]}},
    {"containerEdits": {"env": ["=void"]}},
    {"containerEdits": {"env": {"NAME": "value"}}},
    {"containerEdits": {"hooks": ["create-symlinks"]}},
    {"containerEdits": {"hooks": [hook("create-symlinks", "--link", "a::b")]}},
]


@pytest.mark.parametrize("changes", SPOILT, ids=str)
def test_one_mistake_makes_a_file_useless(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    path = write(tmp_path / "etc/cdi/nvidia.json", json.dumps(specification()))
    assert names(tmp_path)
    path.write_text(json.dumps(specification(**changes)))
    assert names(tmp_path) == set()


@pytest.mark.parametrize(
    ("file", "data"),
    [
        ("a.json", b"{"),
        ("a.json", b"[]"),
        ("a.json", b""),
        ("a.json", b"[" * 100_000),
        ("a.json", b'"\xed\xa0\x80"'),
        ("a.yaml", b""),
        ("a.yaml", b"kind: [nvidia.com/gpu"),
        ("a.yaml", b"--- 1\n--- 2\n"),
        ("a.yaml", b"&a [*a]"),
        ("a.yaml", b"{[]: 1}"),
        ("a.yaml", b"!!python/object/apply:os.getcwd []"),
        ("a.yaml", b"[" * 100_000),
        ("a.yaml", b"- " * 100_000),
        ("a.yaml", b"\x07"),
    ],
)
def test_what_cannot_be_read_is_no_specification(
    tmp_path: Path, file: str, data: bytes
) -> None:
    write(tmp_path / "etc/cdi" / file).write_bytes(data)
    specify(tmp_path, "etc/cdi/good.yaml", devices=[device("5", "/dev/nvidia5")])
    assert names(tmp_path) == {"5"}


KEYS = st.sampled_from(
    [
        *("kind", "devices", "name", "containerEdits", "deviceNodes", "path"),
        *("hostPath", "mounts", "containerPath", "options", "env", "hooks", "args"),
    ]
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(
        ["nvidia.com/gpu", "/dev/nvidia0", "/", "/x" * 4000, "A=b", "a::/b"]
    ),
)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=6)
    ),
    max_leaves=20,
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(at=st.lists(st.integers(0, 5), max_size=6), new=ANYTHING, loud=st.booleans())
@example(at=[2, 0, 1, 0, 0], new="/x" * 4000, loud=True)
def test_nothing_in_a_file_makes_the_reader_stumble(
    tmp_path: Path, at: list[int], new: Any, loud: bool
) -> None:
    """Somewhere in a good specification stands something else."""
    spec = put(specification(), at, new)
    text = json.dumps(spec) if loud else yaml.safe_dump(spec)
    path = write(tmp_path / f"etc/cdi/nvidia.{'json' if loud else 'yaml'}", text)
    try:
        assert all(
            isinstance(each.own, Edits) for each in read_devices(tmp_path).values()
        )
        assert find_gpus(host=tmp_path).note
    finally:
        path.unlink()


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(start=st.integers(0, 900), length=st.integers(0, 40), bad=st.binary(max_size=9))
@pytest.mark.parametrize("ending", ["json", "yaml"])
def test_damaged_bytes_make_no_trouble(
    tmp_path: Path, ending: str, start: int, length: int, bad: bytes
) -> None:
    path = specify(tmp_path, f"etc/cdi/nvidia.{ending}")
    whole = path.read_bytes()
    path.write_bytes(whole[:start] + bad + whole[start + length :])
    assert find_gpus(host=tmp_path).note


def put(value: Any, at: list[int], new: Any) -> Any:
    """A copy with something else at a place in it."""
    if not at or not isinstance(value, dict | list) or not value:
        return new
    pairs = list(value.items() if isinstance(value, dict) else enumerate(value))
    key, inner = pairs[at[0] % len(pairs)]
    copy = value.copy()
    copy[key] = put(inner, at[1:], new)
    return copy


@pytest.mark.parametrize(
    ("wanted", "known", "spelled"),
    [
        ((), ("0", "1", "all"), ("all",)),
        ((), ("10", "2", "0:1", UUIDS[0]), ("0:1", "2", "10")),
        ((), ("gpu1", "gpu0"), ("gpu0", "gpu1")),
        ((), (UUIDS[0],), ()),
        (("0", "1"), ("0", "1", "all"), ("0", "1")),
        (("1", "0:1"), ("gpu1", "mig0:1"), ("gpu1", "mig0:1")),
        ((UUIDS[1],), UUIDS, (UUIDS[1],)),
        (("0", "2"), ("0", "1", "all"), ()),
        (("0",), (), ()),
    ],
)
def test_gpus_are_called_as_the_specification_does(
    wanted: tuple[str, ...], known: tuple[str, ...], spelled: tuple[str, ...]
) -> None:
    assert pick(wanted, known) == spelled
