from __future__ import annotations

import base64
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from debian_archive import make_deb
from entry_tree import content_of, write_tree
from firstlight.digest import Digest
from firstlight.errors import ArtefactError
from firstlight.lock.lockfile import Deb
from firstlight.pack.certificates import subject_hash
from firstlight.pack.deb import read_control
from firstlight.pack.entry import Entry, Kind
from firstlight.pack.system import system_entries

PASSWD = b"root:*:0:0:root:/root:/bin/bash\nnobody:*:65534:65534::/:/usr/sbin/nologin\n"
GROUP = b"root:*:0:\nshadow:*:42:\nnogroup:*:65534:\n"
MASTERS = {
    "usr/share/base-passwd/passwd.master": PASSWD,
    "usr/share/base-passwd/group.master": GROUP,
}


def pair(path: Path) -> tuple[Deb, Path]:
    control = read_control(path, filename=path.name)
    deb = Deb(
        name=control.name,
        version=control.version,
        architecture=control.architecture,
        filename=f"pool/{path.name}",
        size=path.stat().st_size,
        digest=Digest("sha256:" + "0" * 64),
        archive="debian",
        suite="bookworm",
    )
    return deb, path


def system(*debs: Path, profile: str = "workspace") -> dict[str, Entry]:
    entries = system_entries(
        [pair(deb) for deb in debs],
        platform="linux/amd64",
        profile=profile,
        suite="bookworm",
    )
    assert [entry.path for entry in entries] == sorted({e.path for e in entries})
    return {entry.path: entry for entry in entries}


@pytest.fixture
def passwd(tmp_path: Path) -> Path:
    return make_deb(tmp_path / "p", "base-passwd", files=MASTERS)


def text(entry: Entry) -> str:
    return content_of(entry).decode()


def test_equal_packages_give_equal_entries_in_any_order(
    tmp_path: Path, passwd: Path
) -> None:
    demo = make_deb(tmp_path, files={"usr/bin/demo": b""})
    assert list(system(demo, passwd).values()) == list(system(passwd, demo).values())


def test_has_a_user_to_work_as_and_no_password(passwd: Path) -> None:
    found = system(passwd)
    assert "user:x:1000:1000::/home/user:/bin/bash\n" in text(found["etc/passwd"])
    assert "root:*::" in text(found["etc/shadow"])
    assert (found["etc/shadow"].mode, found["etc/shadow"].gid) == (0o640, 42)
    for path in ("home/user", "workspace"):
        assert (found[path].kind, found[path].uid) == (Kind.DIRECTORY, 1000)
    assert found["tmp"].mode == 0o1777
    assert found["bin"].link == "usr/bin"
    assert not {"etc/hostname", "etc/resolv.conf", "etc/hosts"} & set(found)


def test_declared_users_get_numbers_that_do_not_depend_on_others(
    tmp_path: Path, passwd: Path
) -> None:
    def one(name: str) -> Path:
        line = f'u {name} - "Some daemon" /var/lib/{name}\n'.encode()
        return make_deb(tmp_path, name, files={f"usr/lib/sysusers.d/{name}.conf": line})

    def row(found: dict[str, Entry], name: str) -> str:
        lines = text(found["etc/passwd"]).splitlines()
        return next(line for line in lines if line.startswith(f"{name}:"))

    alone = row(system(passwd, one("mydaemon")), "mydaemon")
    beside = row(system(passwd, one("mydaemon"), one("another")), "mydaemon")
    assert alone == beside
    assert alone.endswith(":/var/lib/mydaemon:/usr/sbin/nologin")


def test_the_database_lists_files_and_configuration(
    tmp_path: Path, passwd: Path
) -> None:
    demo = make_deb(
        tmp_path,
        files={"bin/demo": b"", "etc/demo.conf": b"a"},
        conffiles=["/etc/demo.conf"],
        control={"Multi-Arch": "same"},
        scripts={"triggers": "interest-noawait /usr/share/x\ninterest y\n"},
    )
    found = system(demo, passwd)
    status = text(found["var/lib/dpkg/status"])
    assert "Package: demo\nStatus: install ok installed\n" in status
    conffile = " /etc/demo.conf 0cc175b9c0f1b6a831c399e269772661\n"
    assert f"Conffiles:\n{conffile}" in status
    listed = text(found["var/lib/dpkg/info/demo:amd64.list"]).splitlines()
    assert listed == ["/.", "/bin", "/etc", "/bin/demo", "/etc/demo.conf"]
    triggers = text(found["var/lib/dpkg/triggers/File"])
    assert triggers == "/usr/share/x demo:amd64/noawait\n"
    assert text(found["var/lib/dpkg/triggers/y"]) == "demo:amd64\n"


def test_serving_images_have_a_database_only_for_scanners(passwd: Path) -> None:
    found = system(passwd, profile="serve")
    paths = {path for path in found if path.startswith("var/lib/dpkg/")}
    stem = "var/lib/dpkg/status.d/base-passwd"
    assert paths == {stem, f"{stem}.md5sums"}
    assert "Status:" not in text(found[stem])


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="needs dpkg")
def test_dpkg_reads_its_database(tmp_path: Path, passwd: Path) -> None:
    root = tmp_path / "root"
    write_tree(system(passwd).values(), root)
    admin = f"--admindir={root}/var/lib/dpkg"
    subprocess.run(["dpkg", admin, "--audit"], check=True)
    show = ["dpkg-query", admin, "-W", "-f=${Package} ${db:Status-Status}\n"]
    done = subprocess.run(show, check=True, capture_output=True, text=True)
    assert done.stdout == "base-passwd installed\n"


def test_the_highest_choice_of_a_name_gets_the_link(
    tmp_path: Path, passwd: Path
) -> None:
    def choice(name: str, priority: int) -> Path:
        script = (
            "#!/bin/sh\nupdate-alternatives --install /usr/bin/editor editor "
            f"/bin/{name} {priority}\n"
        )
        files = {f"bin/{name}": b""}
        return make_deb(tmp_path, name, files=files, scripts={"postinst": script})

    found = system(passwd, choice("low", 5), choice("high", 50))
    assert found["usr/bin/editor"].link == "/etc/alternatives/editor"
    assert found["etc/alternatives/editor"].link == "/bin/high"
    assert text(found["var/lib/dpkg/alternatives/editor"]) == (
        "auto\n/usr/bin/editor\n\n/bin/high\n50\n/bin/low\n5\n\n"
    )


def test_stops_when_packages_do_not_agree_what_is_a_folder(
    tmp_path: Path, passwd: Path
) -> None:
    one = make_deb(tmp_path, "one", links={"usr/share/x": "/etc"})
    two = make_deb(tmp_path, "two", files={"usr/share/x/passwd": b""})
    with pytest.raises(ArtefactError, match="one and two do not agree"):
        system(passwd, one, two)


def test_stops_when_a_package_is_not_the_locked_one(passwd: Path) -> None:
    deb, path = pair(passwd)
    other = Deb(
        name="other",
        version=deb.version,
        architecture="all",
        filename=deb.filename,
        size=1,
        digest=deb.digest,
        archive="debian",
        suite="bookworm",
    )
    with pytest.raises(ArtefactError, match="the lock says other"):
        system_entries(
            [(other, path)],
            platform="linux/amd64",
            profile="workspace",
            suite="bookworm",
        )


def test_stops_without_user_tables(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match=r"passwd\.master"):
        system(make_deb(tmp_path))


@pytest.mark.skipif(shutil.which("ldconfig") is None, reason="needs ldconfig")
@pytest.mark.skipif(os.geteuid() != 0, reason="ldconfig -r needs root")
@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs a compiler")
def test_the_loader_cache_is_what_ldconfig_makes(tmp_path: Path, passwd: Path) -> None:
    libraries: dict[str, bytes] = {}
    for number in (2, 9, 10):
        path = f"usr/lib/x86_64-linux-gnu/libdemo.so.{number}.1"
        libraries[path] = _library(tmp_path, f"libdemo.so.{number}")
    libraries["usr/lib/libother.so"] = _library(tmp_path, "")
    libraries["usr/lib/libtext.so"] = b"GROUP ( libother.so )\n"
    confs = {
        "etc/ld.so.conf": b"include /etc/ld.so.conf.d/*.conf\n",
        "etc/ld.so.conf.d/x86.conf": b"# here\n/lib/x86_64-linux-gnu\n",
    }
    links = {"usr/lib/x86_64-linux-gnu/libdemo.so": "libdemo.so.10.1"}
    demo = make_deb(tmp_path, files=libraries | confs, links=links)
    root = tmp_path / "root"
    write_tree(system(passwd, demo).values(), root)
    subprocess.run(["dpkg-deb", "-x", demo, tmp_path / "data"], check=True)
    shutil.copytree(tmp_path / "data", root, symlinks=True, dirs_exist_ok=True)
    ours = _cached(root)
    assert "libdemo.so.10 " in ours[0] or len(ours) >= 5
    made = {p.name for p in (root / "usr/lib/x86_64-linux-gnu").iterdir()}
    assert {"libdemo.so.2", "libdemo.so.9", "libdemo.so.10"} <= made
    subprocess.run(["ldconfig", "-r", root], check=True, capture_output=True)
    assert ours == _cached(root)


def _library(folder: Path, soname: str) -> bytes:
    source, target = folder / "x.c", folder / "x.so"
    source.write_text("int demo(void) { return 1; }\n")
    name = [f"-Wl,-soname,{soname}"] if soname else []
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-nostdlib", *name, "-o", target, source],
        check=True,
    )
    return target.read_bytes()


def _cached(root: Path) -> list[str]:
    done = subprocess.run(
        ["ldconfig", "-p", "-C", root / "etc/ld.so.cache"],
        check=True,
        capture_output=True,
        text=True,
    )
    return [line.strip() for line in done.stdout.splitlines() if "=>" in line]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
@pytest.mark.parametrize("subject", ["/C=DE/O= Big   CA /CN=Root É", "/CN=x/CN=y"])
def test_certificates_are_found_by_openssls_hash(
    tmp_path: Path, passwd: Path, subject: str
) -> None:
    pem = _certificate(tmp_path, subject)
    share = "usr/share/ca-certificates/mozilla/Some_CA.crt"
    demo = make_deb(tmp_path, "ca-certificates", files={share: pem.read_bytes()})
    found = system(passwd, demo)
    words = ["openssl", "x509", "-noout", "-hash", "-in", pem]
    digits = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    assert found[f"etc/ssl/certs/{digits.strip()}.0"].link == "Some_CA.pem"
    assert found["etc/ssl/certs/Some_CA.pem"].link == f"/{share}"
    assert content_of(found["etc/ssl/certs/ca-certificates.crt"]) == pem.read_bytes()


def _certificate(folder: Path, subject: str) -> Path:
    pem = folder / "ca.pem"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:1024", "-nodes", "-utf8"]
    more = ["-subj", subject, "-keyout", folder / "key", "-out", pem]
    subprocess.run([*words, *more], check=True, capture_output=True)
    return pem


def test_what_is_no_certificate_is_refused(tmp_path: Path, passwd: Path) -> None:
    junk = b"-----BEGIN CERTIFICATE-----\n" + base64.b64encode(b"0" * 40) + b"\n"
    files = {"usr/share/ca-certificates/x.crt": junk + b"-----END CERTIFICATE-----\n"}
    demo = make_deb(tmp_path, "ca-certificates", files=files)
    with pytest.raises(ArtefactError, match=r"x\.crt"):
        system(passwd, demo)
    for data in (b"", b"\x30", b"\x30\x84\xff", b"\x30\x02\x30\x00"):
        with pytest.raises(ArtefactError):
            subject_hash(data, "x.crt")
