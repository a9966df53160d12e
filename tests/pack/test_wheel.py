from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from artefacts import make_wheel, record_line
from entry_tree import content_of
from firstlight.errors import ArtefactError
from firstlight.pack.entry import Bytes, Entry, FileRange
from firstlight.pack.wheel import wheel_entries

SITE = "opt/venv/lib/python3.11/site-packages"
INFO = f"{SITE}/demo-1.0.dist-info"


def entries(path: Path, filename: str | None = None) -> dict[str, Entry]:
    found = wheel_entries(path, filename=filename or path.name, python="3.11")
    assert len({entry.path for entry in found}) == len(found)
    return {entry.path: entry for entry in found}


def refused(path: Path, why: str, filename: str | None = None) -> None:
    with pytest.raises(ArtefactError, match=why) as caught:
        entries(path, filename)
    assert caught.value.message.startswith(f"{filename or path.name}: ")


def record(path: Path) -> list[str]:
    return content_of(entries(path)[f"{INFO}/RECORD"]).decode().splitlines(True)


# Files


def test_payloads_stay_in_the_wheel(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, files={"demo/a.py": b"A" * 1000, "demo/none": b""})
    entry = entries(wheel)[f"{SITE}/demo/a.py"]
    assert isinstance(entry.content, FileRange)
    assert entry.content.length < 100
    assert content_of(entry) == b"A" * 1000
    assert entries(wheel)[f"{SITE}/demo/none"].content == Bytes(b"")


def test_stored_files_stay_in_the_wheel_too(tmp_path: Path) -> None:
    found = entries(make_wheel(tmp_path, files={"a.py": b"AAAA"}, compress=False))
    assert isinstance(found[f"{SITE}/a.py"].content, FileRange)
    assert content_of(found[f"{SITE}/a.py"]) == b"AAAA"


def test_rare_compressions_are_carried_inflated(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path)
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("x.txt", b"X" * 99, compress_type=zipfile.ZIP_LZMA)
    assert entries(wheel)[f"{SITE}/x.txt"].content == Bytes(b"X" * 99)


def test_data_folders_are_spread(tmp_path: Path) -> None:
    data = {
        "purelib/p.py": "",
        "platlib/q.py": "",
        "headers/demo.h": "",
        "data/etc/demo.conf": "",
        "data/lib64/x": "",
    }
    found = entries(make_wheel(tmp_path, data=data))
    assert {
        f"{SITE}/p.py",
        f"{SITE}/q.py",
        "opt/venv/include/site/python3.11/demo/demo.h",
        "opt/venv/etc/demo.conf",
        "opt/venv/lib/x",
    } <= set(found)
    assert not any(".data/" in path for path in found)


@pytest.mark.parametrize("name", ["nowhere/x", "data"])
def test_refuses_unknown_data_folders(tmp_path: Path, name: str) -> None:
    refused(make_wheel(tmp_path, data={name: ""}), "none of the data folders")


@pytest.mark.parametrize(
    "name", ["bin/python", "bin/python3.11", "pyvenv.cfg", "lib64", "bin/python/x"]
)
def test_refuses_to_replace_the_environment(tmp_path: Path, name: str) -> None:
    refused(make_wheel(tmp_path, data={f"data/{name}": ""}), "replace|folder")


def test_modes_are_plain_or_executable(tmp_path: Path) -> None:
    modes = {"a": 0o100777, "b": 0o100600, "c": 0, "d": 0o100654}
    found = entries(make_wheel(tmp_path, files=dict.fromkeys(modes, "x"), modes=modes))
    assert [found[f"{SITE}/{name}"].mode for name in modes] == [
        0o755,
        0o644,
        0o644,
        0o755,
    ]


def test_a_link_is_refused(tmp_path: Path) -> None:
    files = {"demo/lib.so": "../../../etc/passwd"}
    wheel = make_wheel(tmp_path, files=files, modes={"demo/lib.so": 0o120777})
    refused(wheel, "lib.so is a link")


# Scripts


@pytest.mark.parametrize("line", [b"#!python", b"#!pythonw", b"#!python -E"])
def test_scripts_get_the_interpreter(tmp_path: Path, line: bytes) -> None:
    scripts = {"run": line + b"\nprint(1)\n", "sh": b"#!/bin/sh\n"}
    found = entries(make_wheel(tmp_path, scripts=scripts))
    assert (
        content_of(found["opt/venv/bin/run"]) == b"#!/opt/venv/bin/python\nprint(1)\n"
    )
    assert isinstance(found["opt/venv/bin/sh"].content, FileRange)
    assert found["opt/venv/bin/run"].mode == found["opt/venv/bin/sh"].mode == 0o755


def test_entry_points_become_commands(tmp_path: Path) -> None:
    text = """
    # Indented, as old wheels have it.
    [console_scripts]
    run.it-now = demo.cli : App.main [extra,other]
    [gui_scripts]
    win=demo:win
    [other]
    not = even valid
    """
    found = entries(make_wheel(tmp_path, entry_points=text))
    command = content_of(found["opt/venv/bin/run.it-now"]).decode()
    assert command.startswith("#!/opt/venv/bin/python\n")
    assert "from demo.cli import App\n" in command
    assert "sys.exit(App.main())" in command
    assert "opt/venv/bin/win" in found
    assert "opt/venv/bin/not" not in found


def test_wrappers_of_build_tools_give_way_to_the_command(tmp_path: Path) -> None:
    scripts = {"run": "old", "run.exe": "old", "run-script.py": "old", "more": "kept"}
    found = entries(
        make_wheel(tmp_path, scripts=scripts, entry_points={"run": "demo:main"})
    )
    assert {path for path in found if "/bin/" in path} == {
        "opt/venv/bin/run",
        "opt/venv/bin/more",
    }
    assert b"old" not in content_of(found["opt/venv/bin/run"])


def test_pip_is_called_after_this_python(tmp_path: Path) -> None:
    points = {"pip": "pip:main", "pip3": "pip:main", "pip3.8": "pip:main"}
    found = entries(make_wheel(tmp_path, "pip", entry_points=points))
    names = {path.removeprefix("opt/venv/bin/") for path in found if "/bin/" in path}
    assert names == {"pip", "pip3", "pip3.11"}


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("../up", "demo:main"),
        ("a\\b", "demo:main"),
        ("", "demo:main"),
        ("x", "demo"),
        ("x", "demo:main; import os"),
        ("x", "demo:1"),
        ("x", ""),
        ("..", "demo:main"),
    ],
)
def test_refuses_commands_that_are_none(tmp_path: Path, name: str, target: str) -> None:
    refused(make_wheel(tmp_path, entry_points={name: target}), "entry_points|path")


def test_refuses_a_command_in_place_of_python(tmp_path: Path) -> None:
    refused(make_wheel(tmp_path, entry_points={"python": "demo:main"}), "replace")


def test_long_interpreters_are_started_by_sh(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, entry_points={"x": "demo:main"})
    found = wheel_entries(
        wheel, filename=wheel.name, python="3.11", prefix="a" * 200 + "/v"
    )
    (command,) = (entry for entry in found if entry.path.endswith("/bin/x"))
    assert content_of(command).startswith(b"#!/bin/sh\n'''exec' \"/aaa")
    compile(content_of(command), "x", "exec")


# RECORD


def test_record_lists_what_is_installed(tmp_path: Path) -> None:
    wheel = make_wheel(
        tmp_path,
        files={"b.py": "b", "a,1.py": "a"},
        scripts={"run": "#!python\n"},
        data={"data/etc/x": "x"},
        extra={"demo-1.0.dist-info/RECORD.jws": "{}"},
    )
    script = "#!/opt/venv/bin/python\n"
    lines = record(wheel)
    assert lines == sorted(lines, key=lambda line: line.strip('"').partition(",sha")[0])
    for path, content in {
        "b.py": "b",
        "a,1.py": "a",
        "../../../bin/run": script,
        "../../../etc/x": "x",
        "demo-1.0.dist-info/INSTALLER": "firstlight\n",
    }.items():
        assert record_line(path, content) in lines
    assert "demo-1.0.dist-info/RECORD,,\n" in lines
    assert "demo-1.0.dist-info/RECORD.jws,,\n" in lines
    assert len(lines) == len(entries(wheel))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.py,,\n",
        "a.py\n",
        "a.py,md5=1B2M2Y8AsgTpgAmY7PhCfg,1\n",
        "a.py,sha256=wrong,77\n",
        "gone.py,sha256=abc,1\n",
    ],
)
def test_record_is_completed_where_it_is_useless(tmp_path: Path, text: str) -> None:
    lines = record(make_wheel(tmp_path, files={"a.py": "a"}, record=text))
    assert record_line("a.py", "a") in lines
    assert not any("gone.py" in line for line in lines)


def test_stronger_hashes_are_kept(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, files={"a.py": "a"}, record="a.py,sha512=abc,1\n")
    assert "a.py,sha512=abc,1\n" in record(wheel)


@pytest.mark.parametrize("text", ["\udcff", '"a\n', "a" * 200_000])
def test_refuses_a_record_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    wheel = make_wheel(tmp_path, record=False)
    with zipfile.ZipFile(wheel, "a") as archive:
        data = text.encode("utf-8", "surrogateescape")
        archive.writestr("demo-1.0.dist-info/RECORD", data)
    if text == '"a\n':  # An open quote only swallows the rest: nothing is known.
        assert len(record(wheel)) == len(entries(wheel))
    else:
        refused(wheel, "RECORD")


# What a wheel must be


def test_the_store_may_name_it_otherwise(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path).rename(tmp_path / "0123abcd")
    assert f"{SITE}/demo/__init__.py" in entries(wheel, "demo-1.0-py3-none-any.whl")


@pytest.mark.parametrize(
    ("name", "filename"),
    [
        ("Ruamel.Yaml", "ruamel_yaml-1.0-py3-none-any.whl"),
        ("demo", "demo-1.0.0-1-py3-none-any.whl"),
        ("demo", "demo-1.0+cu126-py3-none-any.whl"),
    ],
)
def test_spellings_of_one_name_are_one(
    tmp_path: Path, name: str, filename: str
) -> None:
    assert entries(make_wheel(tmp_path, name, filename=filename))


@pytest.mark.parametrize(
    "filename",
    [
        "other-1.0-py3-none-any.whl",
        "demo-2.0-py3-none-any.whl",
        "demo-x-py3-none-any.whl",
        "demo.whl",
        "demo-1.0.zip",
    ],
)
def test_refuses_a_wheel_of_another_name(tmp_path: Path, filename: str) -> None:
    refused(make_wheel(tmp_path, filename=filename), "contains|file name")


@pytest.mark.parametrize("name", ["METADATA", "WHEEL", "RECORD"])
def test_refuses_a_wheel_without_its_files(tmp_path: Path, name: str) -> None:
    wheel = make_wheel(tmp_path)
    raw = wheel.read_bytes().replace(
        f"info/{name}".encode(), b"info/" + b"X" * len(name)
    )
    wheel.write_bytes(raw)
    refused(wheel, f"{name} is missing")


def test_refuses_two_dist_info_folders(tmp_path: Path) -> None:
    extra = {"other-1.0.dist-info/METADATA": ""}
    refused(make_wheel(tmp_path, extra=extra), "one .dist-info folder")


def test_refuses_a_zip_that_is_no_wheel(tmp_path: Path) -> None:
    wheel = tmp_path / "demo-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("a", "b")
    refused(wheel, "has none")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Wheel-Version: 2.0\n", "newer than 1.x"),
        ("Wheel-Version: x\n", "no Wheel-Version"),
        ("Tag: x\n", "no Wheel-Version"),
    ],
)
def test_refuses_wheels_of_a_newer_version(tmp_path: Path, text: str, why: str) -> None:
    refused(make_wheel(tmp_path, wheel=text), why)


def test_accepts_a_newer_minor_version(tmp_path: Path) -> None:
    assert entries(make_wheel(tmp_path, wheel="Wheel-Version: 1.9\n"))


def test_refuses_a_file_that_another_needs_as_a_folder(tmp_path: Path) -> None:
    data = {"data/lib/python3.11/site-packages/demo": ""}
    refused(make_wheel(tmp_path, data=data), "both as a file and as a folder")


# Damage


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_wheel(
        tmp_path_factory.mktemp("good"),
        files={"demo/__init__.py": "a = 1\n" * 50, "demo/b.bin": bytes(range(99))},
        scripts={"run": "#!python\nprint(1)\n"},
        entry_points={"go": "demo:main"},
        data={"data/etc/x": "x", "headers/h.h": "h"},
        modes={"demo/b.bin": 0o100755},
    )


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    changes=st.lists(
        st.tuples(st.floats(0, 0.999), st.binary(min_size=1, max_size=4)), max_size=6
    ),
    keep=st.one_of(st.just(1.0), st.floats(0, 1)),
)
def test_damage_is_an_error_or_harmless(
    good: Path, changes: list[tuple[float, bytes]], keep: float
) -> None:
    raw = bytearray(good.read_bytes())
    for at, data in changes:
        start = int(at * len(raw))
        raw[start : start + len(data)] = data
    damaged = good.with_name("damaged")
    damaged.write_bytes(raw[: int(keep * len(raw))])
    try:
        found = wheel_entries(damaged, filename=good.name, python="3.11")
    except ArtefactError as error:
        assert good.name in error.message
        return
    for entry in found:
        assert entry.path.startswith("opt/venv/")
        assert ".." not in entry.path.split("/")
