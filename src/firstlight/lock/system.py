"""Which OS release carries which Python, and what images of each profile start from."""

from __future__ import annotations

from dataclasses import dataclass

from firstlight.errors import ConflictError
from firstlight.lock.spec import Spec

__all__ = ["PYTHONS", "SUITES", "System", "base_packages", "system_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One OS release: its Python, its glibc, and the archives it comes from.

    `python_full_version` is the patch level it was released with; releases that raise
    it later (Ubuntu's do) run whatever fits the first.
    """

    suite: str
    distribution: str
    python: str
    python_full_version: str
    glibc: str
    version: str

    @property
    def components(self) -> tuple[str, ...]:
        """The parts of the archive that packages are taken from."""
        return ("main", "universe") if self.distribution == "ubuntu" else ("main",)

    def suites(self, architecture: str) -> tuple[tuple[str, str], ...]:
        """Return (archive, suite) pairs; the first is the one that must exist."""
        suite = self.suite
        if self.distribution == "ubuntu":
            archive = "ubuntu" if architecture == "amd64" else "ubuntu-ports"
            parts = ("", "-updates", "-security")
            return tuple((archive, suite + part) for part in parts)
        return (
            ("debian", suite),
            ("debian", f"{suite}-updates"),
            ("debian-security", f"{suite}-security"),
        )


SUITES = {
    one.suite: one
    for one in (
        System(
            suite="bullseye",
            distribution="debian",
            python="3.9",
            python_full_version="3.9.2",
            glibc="2.31",
            version="11",
        ),
        System(
            suite="jammy",
            distribution="ubuntu",
            python="3.10",
            python_full_version="3.10.4",
            glibc="2.35",
            version="22.04",
        ),
        System(
            suite="bookworm",
            distribution="debian",
            python="3.11",
            python_full_version="3.11.2",
            glibc="2.36",
            version="12",
        ),
        System(
            suite="noble",
            distribution="ubuntu",
            python="3.12",
            python_full_version="3.12.3",
            glibc="2.39",
            version="24.04",
        ),
        System(
            suite="trixie",
            distribution="debian",
            python="3.13",
            python_full_version="3.13.5",
            glibc="2.41",
            version="13",
        ),
    )
}
"""The OS releases, by codename."""

PYTHONS = {one.python: one for one in SUITES.values()}
"""The OS release that carries each Python."""


def system_of(spec: Spec) -> System:
    """Return the OS release that an image of this spec is made of.

    Raises:
        ConflictError: when none carries the Python, or the one asked for does not.
    """
    system = PYTHONS.get(spec.python)
    pairs = ", ".join(f"{one.python} ({one.suite})" for one in SUITES.values())
    if system is None:
        raise ConflictError(
            f"no supported OS release carries Python {spec.python}",
            hint=f"choose one of {pairs}",
        )
    if spec.suite and spec.suite != system.suite:
        asked = SUITES.get(spec.suite)
        has = f"Python {asked.python}" if asked else "no known Python"
        raise ConflictError(
            f'os = "{spec.suite}" has {has}, but python = "{spec.python}"',
            hint=f"remove os, or choose a pair of {pairs}",
        )
    return system


_MINIMAL = {
    "base-files": "the skeleton of the file system and os-release",
    "base-passwd": "the standard users and groups",
    "libc6": "everything links to it",
    "libc-bin": "ldconfig, getconf, and the C.UTF-8 locale",
    "libgcc-s1": "compiled wheels link to it",
    "libstdc++6": "compiled wheels link to it and do not bring it",
    "ca-certificates": "TLS: model hubs, package indexes",
    "netbase": "names of protocols and services",
    "tzdata": "zoneinfo and pandas read it",
    "dash": "sh, for scripts and subprocess.run(shell=True)",
    "coreutils": "what every start script calls",
    "bubblewrap": "runs the image without a container engine",
}

_SHELL = {
    "bash": "the shell people work in",
    "bsdutils": "essential: script, logger",
    "debianutils": "essential: run-parts, which",
    "diffutils": "essential: diff, cmp",
    "findutils": "essential: find, xargs",
    "grep": "essential",
    "gzip": "essential",
    "hostname": "essential",
    "init-system-helpers": "essential: packages' scripts call it",
    "login": "essential: su and login.defs",
    "mawk": "an awk; base-files' scripts call it",
    "ncurses-base": "essential: terminal descriptions",
    "ncurses-bin": "essential: clear, tput",
    "perl-base": "essential: packages' scripts are written in it",
    "sed": "essential",
    "sysvinit-utils": "essential: pidof",
    "tar": "essential: dpkg calls it",
    "util-linux": "essential: mount, lscpu, getopt",
    "dpkg": "apt install works inside",
    "apt": "apt install works inside",
    "less": "pages through help and logs",
    "procps": "ps, top, free: finding out what a training does",
    "git": "projects, hub downloads, experiment trackers",
}

_START = {"tini": "passes signals on and leaves no zombies, as process 1"}

_WORKSPACE = {
    "openssh-server": "ssh, scp, VS Code and PyCharm come in through it",
    "rsync": "copies projects and data in and out",
    "curl": "VS Code fetches its server with it",
}

_DIST = {
    "debian": {"debian-archive-keyring": "apt verifies what it installs"},
    "ubuntu": {"ubuntu-keyring": "apt verifies what it installs"},
}

_COMPILE = {
    "gcc": "torch.compile and C extensions",
    "g++": "torch.compile on CPUs and C++ extensions",
    "libc6-dev": "the headers compilers need",
}


def base_packages(system: System, profile: str, *, compiler: bool) -> tuple[str, ...]:
    """Return what an image starts from, before what the user adds."""
    python = f"python{system.python}"
    names = {**_MINIMAL, python: "the interpreter"}
    if profile != "serve":
        names |= _SHELL | _START | _DIST[system.distribution]
        if system.suite in ("bookworm", "noble", "trixie"):
            names["usr-is-merged"] = "says that /bin is /usr/bin; others depend on it"
    if profile == "workspace":
        names |= _WORKSPACE
    if compiler:
        names |= _COMPILE | {f"{python}-dev": "Python.h, for the same compilers"}
    if compiler and system.python in ("3.9", "3.10"):
        names["python3-distutils"] = "older build scripts import distutils"
    return tuple(sorted(names))
