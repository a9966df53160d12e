"""Which maintainer scripts an image can do without, and what they would have done.

What debhelper wrote is known by its markers. What remains is either plain phrases that
do nothing on a first installation, ``update-alternatives`` calls (which are made), or
it is something: then the package must be in the table of remedies, or we stop.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from firstlight.errors import ArtefactError
from firstlight.pack.deb import Control
from firstlight.pack.remedies import Alternative, Remedy, remedy_for

__all__ = ["Effects", "effects"]

_HARMLESS_HELPERS = frozenset(
    [
        "dh_apparmor",
        "dh_bash-completion",
        "dh_fortran_mod",
        "dh_gconf",
        "dh_icons",
        "dh_installalternatives",
        "dh_installcatalogs",
        "dh_installcron",
        "dh_installdeb",
        "dh_installdebconf",
        "dh_installdefoma",
        "dh_installemacsen",
        "dh_installinfo",
        "dh_installinit",
        "dh_installmenu",
        "dh_installmime",
        "dh_installnss",
        "dh_installsystemd",
        "dh_installsystemduser",
        "dh_installsysusers",
        "dh_installtmpfiles",
        "dh_installudev",
        "dh_installwm",
        "dh_installxmlcatalogs",
        "dh_lintian",
        "dh_makeshlibs",
        "dh_perl",
        "dh_pypy",
        "dh_python2",
        "dh_python3",
        "dh_runit",
        "dh_sgml-base",
        "dh_sphinxdoc",
        "dh_systemd_enable",
        "dh_systemd_start",
        "dh_usrlocal",
        "dh_vim-addon",
    ]
)
"""Helpers whose sections start services, fill caches, or are made from other files."""

_SECTION = re.compile(
    r"^# Automatically added by ([\w.+-]+)(?:/\S+)?[ \t]*\n(.*?)"
    r"^# End automatically added section[ \t]*(?:\n|\Z)",
    re.DOTALL | re.MULTILINE,
)
_ALTERNATIVES = re.compile(
    r"^[ \t]*update-alternatives(?:[^\n\\]|\\\n|\\.)*", re.MULTILINE
)
_NO_OPERATION = re.compile(
    r"""
    \# .* | set\ -[eux]+ | exit\ [01] | true | : | ;; | fi | esac | else | done | then
    | case\ "?\$\{?1\}?"?\ in
    | \(?\s*(configure|install|upgrade|triggered|abort-\w+|reconfigure|\*
        |failed-upgrade|remove|purge|disappear)
      (\s*\|\s*[\w*-]+)*\s*\)\s*(;;|:\s*;;|exit\ 0\s*;;)?
    | (el)?if\ (\[|test)\ "?x?\$\{?1(:-)?\}?"?\ ={1,2}\ ["']?x?[\w-]+["']?\s*\]?
      (\s*(&&|\|\|)\s*\[\ "\$1"\ =\ "[\w-]+"\ \])*\s*;?(\ *then)?
    | echo\ .*(unknown|argument).*
    | \.\ /usr/share/debconf/confmodule | db_stop(\ \|\|\ true)? | db_version\ 2\.0
    | (dpkg-maintscript-helper|dpkg-trigger|deb-systemd-\w+|py3compile|py3clean)\ .*
    | ldconfig
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What a package's scripts would have done that an image needs."""

    package: str
    alternatives: tuple[Alternative, ...]
    remedy: Remedy | None


def effects(control: Control) -> Effects:
    """Return what stands in for a package's scripts.

    Raises:
        ArtefactError: when a script does something that nobody has looked at.
    """
    found: list[Alternative] = []
    unknown: list[str] = []
    for name in ("preinst", "postinst"):
        rest = _without_sections(control.scripts.get(name, ""), unknown)
        text = control.scripts.get(name, "")
        if name == "postinst":
            found += _alternatives(text)
        unknown += _doing_something(rest)
    remedy = remedy_for(control.name)
    if unknown and remedy is None:
        raise ArtefactError(
            f"{control.filename}: its installation script does something we do not "
            f"know how to stand in for: {unknown[0][:100]!r}",
            hint=f"leave {control.name} out of `system`, or report the package so "
            "that it can be looked at; scripts are never run while building",
        )
    extra = () if remedy is None else remedy.alternatives
    return Effects(package=control.name, alternatives=(*found, *extra), remedy=remedy)


def _without_sections(text: str, unknown: list[str]) -> str:
    for match in _SECTION.finditer(text):
        if match[1] not in _HARMLESS_HELPERS:
            unknown.append(f"a section by {match[1]}")
    return _SECTION.sub("", text)


def _doing_something(text: str) -> Iterator[str]:
    """The lines that are not known to do nothing, ``update-alternatives`` apart."""
    text = _ALTERNATIVES.sub(_keep_unreadable, text)
    for line in text.splitlines():
        plain = line.strip()
        if plain and not _NO_OPERATION.fullmatch(plain):
            yield plain


def _keep_unreadable(match: re.Match[str]) -> str:
    """Drop the calls that can be made; those with shell variables stay."""
    return match[0] if "$" in match[0] or "`" in match[0] else ""


def _alternatives(text: str) -> Iterator[Alternative]:
    for match in _ALTERNATIVES.finditer(text):
        if _keep_unreadable(match):
            continue
        try:
            words = shlex.split(match[0].replace("\\\n", " "), comments=True)
        except ValueError:
            continue
        alternative = _alternative(words)
        if alternative is not None:
            yield alternative


def _alternative(words: list[str]) -> Alternative | None:
    if "--install" not in words:
        return None
    start = words.index("--install") + 1
    main = words[start : start + 4]
    if len(main) < 4 or not main[3].lstrip("-").isdigit():
        return None
    slaves = [
        (words[at + 1], words[at + 2], words[at + 3])
        for at, word in enumerate(words)
        if word == "--slave" and at + 3 < len(words)
    ]
    link, name, path, priority = main
    if "/" in name or any("/" in slave for _, slave, _ in slaves):
        return None
    return Alternative(
        link=link, name=name, path=path, priority=int(priority), slaves=tuple(slaves)
    )
