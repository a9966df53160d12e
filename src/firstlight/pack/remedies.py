"""What we do instead of a maintainer script, package by package, and why that is all.

A package is in this table when its scripts do something that an image needs, or that
looks as if it might. Scripts are never run: they would need root, the right machine
and a network, and would give other bits tomorrow.
"""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass

__all__ = ["Alternative", "User", "Group", "Folder", "Remedy", "remedy_for"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """One choice for a generic name, as ``update-alternatives --install`` gives it.

    `slaves` are (link, name, path) that follow the choice.
    """

    link: str
    name: str
    path: str
    priority: int
    slaves: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class User:
    """A system user with a number that is the same in every image."""

    name: str
    uid: int
    gid: int = 65534
    home: str = "/nonexistent"
    comment: str = ""
    shell: str = "/usr/sbin/nologin"


@dataclass(frozen=True, slots=True)
class Group:
    """A system group with a number that is the same in every image."""

    name: str
    gid: int


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder a script would have made."""

    path: str
    mode: int = 0o755
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """What stands in for a package's scripts; `why` says why nothing else is needed.

    `copies` are (from, to) of files the package ships as a pattern, `links` are
    (path, target), `texts` (path, content); `shells` are added to ``/etc/shells``.
    """

    why: str
    users: tuple[User, ...] = ()
    groups: tuple[Group, ...] = ()
    folders: tuple[Folder, ...] = ()
    copies: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    texts: tuple[tuple[str, str], ...] = ()
    shells: tuple[str, ...] = ()
    alternatives: tuple[Alternative, ...] = ()


def remedy_for(package: str) -> Remedy | None:
    """Return the remedy for a package, or None when its scripts are not known.

    An exact name goes before a pattern; of patterns the first.
    """
    exact = _REMEDIES.get(package)
    if exact is not None:
        return exact
    for pattern, remedy in _REMEDIES.items():
        if fnmatch.fnmatchcase(package, pattern):
            return remedy
    return None


def _slaves(pairs: str, source: str, target: str) -> tuple[tuple[str, str, str], ...]:
    """Follow-up links in one folder pair: ``name:file`` words, links in `source`."""
    words = [word.partition(":") for word in pairs.split()]
    return tuple((f"{source}/{a}", a, f"{target}/{b}") for a, _, b in words)


_MAN = "/usr/share/man/man1"
_CACHE = Remedy(why="fills a cache that programs do without, or fill on first use")
_UPGRADE = Remedy(why="acts only when an older version is upgraded")
_RESTART = Remedy(why="restarts services; no service runs in an image")
_BYTECODE = Remedy(why="compiles Python files ahead; Python does without")
_CAPABILITY = Remedy(
    why="gives a program a capability where it can; containers grant or deny it"
)
_BASE_FOLDERS = (
    Folder("mnt"),
    Folder("srv"),
    Folder("opt"),
    Folder("etc/opt"),
    Folder("var/opt"),
    Folder("media"),
    Folder("var/mail", 0o2775, gid=8),
    *(
        Folder(f"usr/local/{name}")
        for name in (
            *("bin", "etc", "games", "include", "lib", "libexec"),
            *("sbin", "share", "share/man", "src"),
        )
    ),
)

_VIM = "/usr/bin/vim.tiny"

_REMEDIES: dict[str, Remedy] = {
    "adduser": Remedy(
        why="only its settings file is made from a pattern",
        copies=(("usr/share/adduser/adduser.conf", "etc/adduser.conf"),),
    ),
    "apt": Remedy(
        why="adds the user that downloads", users=(User("_apt", 100, gid=65534),)
    ),
    "automake": Remedy(
        why="its alternatives, whose version a shell variable holds",
        alternatives=(
            Alternative(
                link="/usr/bin/automake",
                name="automake",
                path="/usr/bin/automake-1.16",
                priority=34,
                slaves=(("/usr/bin/aclocal", "aclocal", "/usr/bin/aclocal-1.16"),),
            ),
            Alternative(
                link="/usr/bin/automake",
                name="automake",
                path="/usr/bin/automake-1.17",
                priority=35,
                slaves=(("/usr/bin/aclocal", "aclocal", "/usr/bin/aclocal-1.17"),),
            ),
        ),
    ),
    "base-files": Remedy(
        why="makes the folders and first files of every system",
        folders=_BASE_FOLDERS,
        copies=(
            ("usr/share/base-files/dot.profile", "root/.profile"),
            ("usr/share/base-files/dot.bashrc", "root/.bashrc"),
            ("usr/share/base-files/profile", "etc/profile"),
            ("usr/share/base-files/motd", "etc/motd"),
        ),
        links=(
            ("etc/dpkg/origins/default", "debian"),
            ("usr/local/man", "share/man"),
            ("var/spool/mail", "../mail"),
            ("var/run", "/run"),
            ("var/lock", "/run/lock"),
        ),
    ),
    "base-passwd": Remedy(why="its user and group tables are what ours begin with"),
    "bash": Remedy(
        why="an older shell list gets its two shells",
        shells=("/bin/bash", "/usr/bin/bash", "/bin/rbash", "/usr/bin/rbash"),
    ),
    "bash-completion": _UPGRADE,
    "binutils*": _UPGRADE,
    "bsdextrautils": _UPGRADE,
    "bubblewrap": Remedy(why="applies a kernel setting, which an image cannot"),
    "ca-certificates": Remedy(
        why="the bundle and its links are made from the certificates themselves",
        folders=(Folder("usr/local/share/ca-certificates"),),
    ),
    "coreutils": Remedy(why="its one link is a program's own path once /usr is merged"),
    "cpp": _UPGRADE,
    "dash": Remedy(
        why="/bin/sh comes with the package; diversions serve switching back",
        shells=("/bin/dash", "/usr/bin/dash"),
    ),
    "dbus*": Remedy(
        why="adds the bus's user; no bus runs unless started by hand",
        users=(User("messagebus", 101, gid=101),),
        groups=(Group("messagebus", 101),),
        folders=(Folder("var/lib/dbus"),),
    ),
    "debconf*": Remedy(why="its database begins empty"),
    "debian-archive-keyring": _UPGRADE,
    "debianutils": Remedy(
        why="the shell list is made from its pattern", shells=("/bin/sh", "/usr/bin/sh")
    ),
    "dictionaries-common": _CACHE,
    "dpkg": Remedy(why="its database is written whole"),
    "fontconfig": _CACHE,
    "fontconfig-config": Remedy(
        why="the usual choices for how letters are drawn",
        links=tuple(
            (f"etc/fonts/conf.d/{name}", f"/usr/share/fontconfig/conf.avail/{name}")
            for name in (
                "10-hinting-slight.conf",
                "11-lcdfilter-default.conf",
                "70-no-bitmaps.conf",
                "70-no-bitmaps-except-emoji.conf",
                "10-yes-antialias.conf",
            )
        ),
    ),
    "g++": _UPGRADE,
    "gcc": _UPGRADE,
    "git": _UPGRADE,
    "git-lfs": Remedy(
        why="its filters go into the system's git settings",
        texts=(
            (
                "etc/gitconfig",
                '[filter "lfs"]\n\tclean = git-lfs clean -- %f\n'
                "\tsmudge = git-lfs smudge -- %f\n"
                "\tprocess = git-lfs filter-process\n\trequired = true\n",
            ),
        ),
    ),
    "gzip": _UPGRADE,
    "init-system-helpers": _UPGRADE,
    "initscripts": _RESTART,
    "iproute2": _CAPABILITY,
    "iputils-*": _CAPABILITY,
    "less": _UPGRADE,
    "libblas3": _UPGRADE,
    "libc-bin": Remedy(
        why="the loader's cache is made from the libraries themselves",
        copies=(("usr/share/libc-bin/nsswitch.conf", "etc/nsswitch.conf"),),
    ),
    "libc6*": _RESTART,
    "libdebuginfod-common": Remedy(why="asks for a server; none is the default"),
    "libgcrypt20": _UPGRADE,
    "libgdk-pixbuf-2.0-0": _CACHE,
    "libgdk-pixbuf2.0-0": _CACHE,
    "libglib2.0-0*": _CACHE,
    "libgssapi-krb5-2": _UPGRADE,
    "libgtk-3-0*": _CACHE,
    "libgvc6": _CACHE,
    "libibverbs1": Remedy(why="adds a group", groups=(Group("rdma", 103),)),
    "liblapack3": _UPGRADE,
    "libopenmpi-dev": _UPGRADE,
    "libpam-modules": Remedy(
        why="two empty files",
        texts=(("etc/security/opasswd", ""), ("etc/environment", "")),
    ),
    "libpam-runtime": Remedy(why="its settings are made from the modules' profiles"),
    "libpam0g": _RESTART,
    "libpam-systemd": Remedy(why="a session bus needs an init system"),
    "libpsm-infinipath1": _UPGRADE,
    "libpython3*-minimal": Remedy(why="an empty settings file Python does without"),
    "libreadline8*": _UPGRADE,
    "libselinux1": _UPGRADE,
    "libsensors5": _UPGRADE,
    "libssl*": _RESTART,
    "libtirpc3*": _UPGRADE,
    "libwrap0": Remedy(
        why="two empty access lists",
        texts=(("etc/hosts.allow", ""), ("etc/hosts.deny", "")),
    ),
    "libwtmpdb0": Remedy(why="keeps a log of logins; there are none"),
    "locales": Remedy(
        why="C.UTF-8 is part of libc; other locales are made on demand",
        texts=(("etc/default/locale", "LANG=C.UTF-8\n"),),
    ),
    "login": Remedy(why="empty tables", texts=(("etc/subuid", ""), ("etc/subgid", ""))),
    "login.defs": _UPGRADE,
    "man-db": _CACHE,
    "mawk": _UPGRADE,
    "nano": _UPGRADE,
    "netbase": Remedy(
        why="engines write /etc/hosts; only the network names are needed",
        texts=(
            (
                "etc/networks",
                "default\t\t0.0.0.0\nloopback\t127.0.0.0\nlink-local\t169.254.0.0\n",
            ),
        ),
    ),
    "openmpi-bin": _UPGRADE,
    "openssh-client": Remedy(
        why="a group that shields the agent", groups=(Group("_ssh", 104),)
    ),
    "openssh-server": Remedy(
        why="its user and settings; host keys are made at first start, never shared",
        users=(User("sshd", 102, gid=65534, home="/run/sshd"),),
        folders=(Folder("run/sshd"),),
        copies=(("usr/share/openssh/sshd_config", "etc/ssh/sshd_config"),),
    ),
    "openssl": Remedy(why="a link to /etc/ssl that the package has by now"),
    "passwd": Remedy(why="the shadow tables are written with the others"),
    "perl": _UPGRADE,
    "pkg-config": _UPGRADE,
    "pkgconf*": _UPGRADE,
    "procps": Remedy(why="applies kernel settings, which an image cannot"),
    "python3": Remedy(
        why="one settings file; the rest compiles files ahead",
        texts=(("etc/python3/debian_config", "[DEFAULT]\nbyte-compile = standard\n"),),
    ),
    "python3.*": _BYTECODE,
    "python3-distutils": _BYTECODE,
    "python3-lib2to3": _BYTECODE,
    "python3-minimal": _BYTECODE,
    "readline-common": Remedy(
        why="its settings file is made from a pattern",
        copies=(("usr/share/readline/inputrc", "etc/inputrc"),),
    ),
    "shared-mime-info": _CACHE,
    "sudo": Remedy(why="sets the mode its settings file has in the package"),
    "systemd*": Remedy(why="no init system runs in an image"),
    "tar": _UPGRADE,
    "tmux": Remedy(why="may be a login shell", shells=("/usr/bin/tmux",)),
    "tzdata": Remedy(
        why="the time zone is UTC",
        links=(("etc/localtime", "/usr/share/zoneinfo/Etc/UTC"),),
        texts=(("etc/timezone", "Etc/UTC\n"),),
    ),
    "ucf": Remedy(
        why="two empty tables",
        texts=(("var/lib/ucf/hashfile", ""), ("var/lib/ucf/registry", "")),
    ),
    "unzip": _CACHE,
    "usr-is-merged": Remedy(why="only checks that /usr is merged, and it is"),
    "usrmerge": Remedy(why="would merge /usr, which is merged from the start"),
    "util-linux": _UPGRADE,
    "vim-tiny": Remedy(
        why="its alternatives, which a loop makes",
        alternatives=tuple(
            Alternative(link=f"/usr/bin/{name}", name=name, path=_VIM, priority=15)
            for name in ("vi", "view", "ex", "rview", "editor")
        ),
    ),
    "x11-common": Remedy(why="removes old answers to questions"),
    "xz-utils": Remedy(
        why="its alternatives, which a loop makes",
        alternatives=(
            Alternative(
                link="/usr/bin/lzma",
                name="lzma",
                path="/usr/bin/xz",
                priority=20,
                slaves=(
                    *_slaves("lzma.1.gz:xz.1.gz unlzma.1.gz:unxz.1.gz", _MAN, _MAN),
                    *_slaves("unlzma:unxz", "/usr/bin", "/usr/bin"),
                    *_slaves(
                        "lzcat:xzcat lzmore:xzmore lzless:xzless lzdiff:xzdiff "
                        "lzcmp:xzcmp lzgrep:xzgrep lzegrep:xzegrep lzfgrep:xzfgrep",
                        "/usr/bin",
                        "/usr/bin",
                    ),
                ),
            ),
        ),
    ),
}
