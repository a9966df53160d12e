"""The small image, judged by the tools that will meet it."""

from __future__ import annotations

import io
import json
import os
import tarfile
import tomllib
from pathlib import Path

import pytest
from engine_tools import Built, Project, Tool, tables

pytestmark = [pytest.mark.engine, pytest.mark.slow]

VERIFY_RECORDS = """
import base64, hashlib, importlib.metadata as metadata
count = 0
for distribution in metadata.distributions():
    listed = distribution.files
    assert listed, distribution.name
    for file in listed:
        path = file.locate()
        assert path.is_file(), (distribution.name, str(path))
        if file.hash is None:
            assert file.name == "RECORD", (distribution.name, str(file))
            continue
        data = path.read_bytes()
        found = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode()
        assert found.rstrip("=") == file.hash.value, (distribution.name, str(path))
        assert file.size is None or file.size == len(data), str(path)
        count += 1
print(count)
"""
STAYS_ROOT = ("-e", "FIRSTLIGHT_USER=0:0")
"""Else the first program becomes the owner of /workspace."""
UNLISTED = """
import importlib.metadata as metadata, pathlib, sysconfig
listed = {
    file.locate().resolve()
    for distribution in metadata.distributions()
    for file in distribution.files
}
root = pathlib.Path(sysconfig.get_path("purelib"))
print(sorted(str(path) for path in root.rglob("*")
    if path.is_file() and path.suffix != ".pyc" and path.resolve() not in listed))
"""


def test_skopeo_reads_the_layout(skopeo: Tool, small_image: Built) -> None:
    source = f"oci:{small_image.layout}:{small_image.tag}"
    found = json.loads(skopeo.run("inspect", source))
    assert found["Digest"] == small_image.manifest_digest
    assert (found["Os"], found["Architecture"]) == ("linux", "amd64")
    history = json.loads(skopeo.run("inspect", "--config", source))["history"]
    filled = [step for step in history if not step.get("empty_layer")]
    assert len(filled) == len(found["Layers"]) <= 64


def test_a_registry_keeps_the_digest_and_docker_pulls_the_same_id(
    skopeo: Tool, registry: str, docker: Tool, small_image: Built
) -> None:
    target = f"{registry}/team/small:{small_image.tag}"
    plain = ("--insecure-policy", "copy", "--preserve-digests")
    skopeo.run(
        *(*plain, "--dest-tls-verify=false"),
        *(f"oci:{small_image.layout}:{small_image.tag}", f"docker://{target}"),
    )
    found = skopeo.run("inspect", "--tls-verify=false", f"docker://{target}")
    assert json.loads(found)["Digest"] == small_image.manifest_digest
    docker.run("pull", "-q", target)
    image_id = docker.run("inspect", "-f", "{{.Id}}", target).strip()
    docker.run("rmi", target)
    assert image_id == small_image.image_id


def test_umoci_unpacks_for_an_ordinary_user(
    umoci: Tool, small_image: Built, workspace: Path
) -> None:
    home = workspace / "umoci"
    home.mkdir()
    ordinary: tuple[str, ...] = ()
    if os.geteuid() == 0:
        os.chown(home, 65534, 65534)
        identity = "--reuid=65534 --regid=65534 --clear-groups"
        ordinary = ("setpriv", *identity.split())
    tool = Tool(words=(*ordinary, *umoci.words), environ={"HOME": str(home)})
    image = f"{small_image.layout}:{small_image.tag}"
    bundle = home / "bundle"
    tool.run("unpack", "--rootless", "--image", image, bundle)
    root = bundle / "rootfs"
    assert (root / "lib").readlink() == Path("usr/lib")
    assert (root / "opt/venv/pyvenv.cfg").is_file()
    assert (root / "var/lib/dpkg").is_dir()
    stat = json.loads(tool.run("stat", "--json", "--image", image))
    assert stat["history"]


def test_every_layer_has_each_path_once_and_its_parents_first(
    small_image: Built,
) -> None:
    manifest = json.loads(small_image.blob(small_image.manifest_digest))
    for layer in manifest["layers"]:
        blob = io.BytesIO(small_image.blob(layer["digest"]))
        with tarfile.open(fileobj=blob, mode="r:gz") as archive:
            names = [member.name for member in archive]
        assert len(names) == len(set(names)), layer["digest"]
        assert not [name for name in names if name.startswith(("/", "../"))]


def test_python_and_its_packages_run(inside: Tool) -> None:
    said = inside.run(
        *("python", "-c"),
        "import sys, numpy, einops, requests;"
        "print(sys.version_info[:2], numpy.arange(6).sum(), einops.__version__)",
    )
    assert said.strip() == "(3, 11) 15 0.8.0"


def test_pip_finds_nothing_broken(inside: Tool) -> None:
    assert "No broken requirements" in inside.run("python", "-m", "pip", "check")


def test_every_record_verifies(inside: Tool) -> None:
    assert int(inside.run("python", "-c", VERIFY_RECORDS)) > 500


def test_nothing_lies_in_site_packages_that_no_record_lists(inside: Tool) -> None:
    assert inside.run("python", "-c", UNLISTED).strip() == "[]"


def test_dpkg_lists_what_the_lock_names(inside: Tool, project: Project) -> None:
    form = "${Package} ${Version} ${Architecture} ${db:Status-Abbrev}\\n"
    listed = inside.run("dpkg-query", "-W", "-f", form).splitlines()
    assert all(line.endswith(" ii ") for line in listed), listed
    assert {tuple(line.split()[:3]) for line in listed} == _locked_debs(project)
    assert "ii  libc6" in inside.run("dpkg", "-l")
    assert inside.run("dpkg", "--audit") == ""


def test_every_file_of_a_package_is_as_dpkg_knows_it(inside: Tool) -> None:
    assert inside.run("dpkg", "--verify") == ""
    assert inside.run("dpkg", "-S", "/usr/bin/dpkg").startswith("dpkg:")


def test_a_scanner_reads_the_package_database(inside: Tool, project: Project) -> None:
    """Scanners parse the file themselves, as paragraphs of `Field: value`."""
    found = set()
    for paragraph in inside.run("cat", "/var/lib/dpkg/status").split("\n\n"):
        fields = dict(
            line.split(": ", 1)
            for line in paragraph.splitlines()
            if line[:1] not in (" ", "\t") and ": " in line
        )
        if fields:
            assert fields["Status"] == "install ok installed"
            found.add((fields["Package"], fields["Version"], fields["Architecture"]))
    assert found == _locked_debs(project)
    release = inside.run("cat", "/etc/os-release")
    assert "VERSION_CODENAME=bookworm" in release


def test_locale_user_and_loader_cache(inside: Tool) -> None:
    said = inside.run("python", "-c", "import sys, locale; print(locale.getlocale())")
    assert "UTF-8" in said
    assert "C.utf8" in inside.run("locale", "-a")
    assert "LC_ALL=" in inside.run("locale")
    assert inside.run("id", "user").startswith("uid=1000(user) gid=1000(user)")
    cache = inside.run("/usr/sbin/ldconfig", "-p")
    assert "libc.so.6 (libc6,x86-64)" in cache
    assert "libssl.so.3" in cache


def test_the_loader_cache_is_what_ldconfig_would_write(in_docker: Tool) -> None:
    *engine, name = in_docker.words
    rooted = Tool(words=(*engine, "--user", "0", *STAYS_ROOT, name, "sh", "-ec"))
    before, after = rooted.run(
        "ldconfig -p | tail -n +2 | sort; echo ---;"
        "ldconfig; ldconfig -p | tail -n +2 | sort"
    ).split("---\n")
    # The last line names the program that wrote the cache.
    assert _libraries(before) == _libraries(after)


def test_certificates_are_trusted(inside: Tool) -> None:
    count = inside.run(
        *("python", "-c"),
        "import ssl; print(len(ssl.create_default_context().get_ca_certs()))",
    )
    assert int(count) > 100
    # An authority of this suite may have expired since: that is no fault of ours.
    said = inside.run(
        *("sh", "-ec"),
        "cd /etc/ssl/certs; set -- *.pem; echo $#;"
        'openssl verify -no_check_time -CApath . "$@" | grep -c ": OK$"',
    )
    there, good = map(int, said.split())
    assert there == good > 100


def test_the_image_is_an_ordinary_users_and_home_is_writable(inside: Tool) -> None:
    said = inside.run("sh", "-ec", "id -un; touch ~/x /tmp/x /workspace/x; pwd")
    assert said.split() == ["user", "/workspace"]


def test_apt_installs_more_inside(docker: Tool, in_docker: Tool) -> None:
    sources = Path("/etc/apt/sources.list.d")
    if not any(sources.glob("*.sources")) and not any(sources.glob("*.list")):
        pytest.skip("this machine is not Debian: no package sources to lend")
    proxies = [word for name in _proxies() for word in ("--env", name)]
    tool = Tool(
        words=(
            *(*docker.words, "run", "--rm", "--network", "host", "--user", "0"),
            *STAYS_ROOT,
            *("-v", f"{sources}:{sources}:ro", *proxies, in_docker.words[-1]),
        )
    )
    said = tool.run(
        *("sh", "-ec"),
        "export DEBIAN_FRONTEND=noninteractive; apt-get -qq update; apt-get check;"
        "apt-get install -y --no-install-recommends hello less openssh-client;"
        "hello; dpkg --audit; apt-get check; apt-get -y purge openssh-client;"
        "dpkg -l hello | tail -1",
    )
    assert "Hello, world!" in said
    assert said.splitlines()[-1].startswith("ii  hello")


def test_apt_could_upgrade_without_removing_anything(
    docker: Tool, in_docker: Tool
) -> None:
    *engine, name = in_docker.words
    rooted = Tool(words=(*engine, "--user", "0", *STAYS_ROOT, name))
    said = rooted.run("apt-get", "-s", "dist-upgrade")
    assert " 0 to remove" in said


def _libraries(listing: str) -> set[str]:
    return {line.strip() for line in listing.splitlines() if "=>" in line}


def _locked_debs(project: Project) -> set[tuple[str, str, str]]:
    lock = tomllib.loads((project.folder / "firstlight.lock").read_text())
    return {
        (str(deb["name"]), str(deb["version"]), str(deb["architecture"]))
        for deb in tables(lock, "digest", "filename", "architecture")
    }


def _proxies() -> list[str]:
    names = ("http_proxy", "https_proxy", "no_proxy")
    every = (*names, *(name.upper() for name in names))
    return [name for name in every if name in os.environ]
