"""What packages call their licences, as SPDX expressions.

Python packages say it in classifiers and free words, Debian packages in short names of
their own. Both are translated by tables; whole texts are recognised only where nothing
else can be in them. What no table knows keeps its name as a ``LicenseRef``, so that
nothing is lost and nothing is claimed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

__all__ = [
    "all_of",
    "expression",
    "from_classifier",
    "from_debian",
    "from_text",
    "from_words",
]

_LONGEST = 4096
"""Characters of an expression; torch's, with six licences, has 90."""

_NVIDIA = "LicenseRef-NVIDIA-Proprietary"

_CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "Boost Software License 1.0 (BSL-1.0)": "BSL-1.0",
    "BSD License": "LicenseRef-BSD",
    "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication": "CC0-1.0",
    "Eclipse Public License 2.0 (EPL-2.0)": "EPL-2.0",
    "European Union Public Licence 1.2 (EUPL 1.2)": "EUPL-1.2",
    "GNU Affero General Public License v3": "AGPL-3.0-only",
    "GNU Affero General Public License v3 or later (AGPLv3+)": "AGPL-3.0-or-later",
    "GNU General Public License (GPL)": "LicenseRef-GPL",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v2 (LGPLv2)": "LGPL-2.0-only",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "GNU Library or Lesser General Public License (LGPL)": "LicenseRef-LGPL",
    "Historical Permission Notice and Disclaimer (HPND)": "HPND",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Mozilla Public License 1.1 (MPL 1.1)": "MPL-1.1",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "NVIDIA Proprietary Software": _NVIDIA,
    "Other/Proprietary License": "LicenseRef-Proprietary",
    "Public Domain": "LicenseRef-public-domain",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "Universal Permissive License (UPL)": "UPL-1.0",
    "zlib/libpng License": "Zlib",
}
"""The last part of a classifier; ``LicenseRef`` where it names a family at most."""

_WORDS = {
    "2 clause bsd": "BSD-2-Clause",
    "3 clause bsd": "BSD-3-Clause",
    "apache": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache software": "Apache-2.0",
    "apache v2": "Apache-2.0",
    "apache version 2.0": "Apache-2.0",
    "bsd": "LicenseRef-BSD",
    "bsd 2 clause": "BSD-2-Clause",
    "bsd 3 clause": "BSD-3-Clause",
    "gpl": "LicenseRef-GPL",
    "gplv2": "GPL-2.0-only",
    "gplv2+": "GPL-2.0-or-later",
    "gplv3": "GPL-3.0-only",
    "gplv3+": "GPL-3.0-or-later",
    "isc": "ISC",
    "lgpl": "LicenseRef-LGPL",
    "lgplv3": "LGPL-3.0-only",
    "lgplv3+": "LGPL-3.0-or-later",
    "mit": "MIT",
    "mozilla public 2.0 (mpl 2.0)": "MPL-2.0",
    "mpl 2.0": "MPL-2.0",
    "new bsd": "BSD-3-Clause",
    "nvidia proprietary": _NVIDIA,
    "nvidia proprietary software": _NVIDIA,
    "psf": "PSF-2.0",
    "psfl": "PSF-2.0",
    "python software foundation": "PSF-2.0",
    "simplified bsd": "BSD-2-Clause",
    "unlicense": "Unlicense",
}
"""The `License` field in small letters, without "the", "license" and punctuation."""

_DEBIAN = {
    "artistic": "Artistic-1.0-Perl",
    "artistic-2": "Artistic-2.0",
    "apache-2": "Apache-2.0",
    "cc0": "CC0-1.0",
    "expat": "MIT",
    "gpl": "GPL-1.0-or-later",
    "lgpl": "LGPL-2.0-or-later",
    "openldap-2.8": "OLDAP-2.8",
    "psf-2": "PSF-2.0",
    "public-domain": "LicenseRef-public-domain",
    "pd": "LicenseRef-public-domain",
}
"""Short names of Debian's that SPDX writes otherwise; by policy, plain GPL is any."""

_GNU = re.compile(r"(gpl|lgpl|agpl|gfdl)(-niv)?-?v?(\d)(\.\d)?(\+?)")
_EXCEPTIONS = {
    "autoconf exception": "Autoconf-exception-3.0",
    "bison exception": "Bison-exception-2.2",
    "classpath exception": "Classpath-exception-2.0",
    "font exception": "Font-exception-2.0",
    "gcc runtime library exception": "GCC-exception-3.1",
    "libtool exception": "Libtool-exception",
    "openssl exception": "cryptsetup-OpenSSL-exception",
}

_TEXTS: tuple[tuple[str, int, tuple[str, ...], tuple[str, ...]], ...] = (
    (
        "MIT",
        1600,
        (
            "permission is hereby granted, free of charge, to any person obtaining",
            "the above copyright notice and this permission notice shall be included",
            "without warranty of any kind",
        ),
        ("redistribution and use", "except as contained in this notice"),
    ),
    (
        "BSD-3-Clause",
        2400,
        (
            "redistribution and use in source and binary forms",
            "redistributions of source code must retain",
            "redistributions in binary form must reproduce",
            "endorse or promote products derived from",
        ),
        ("permission is hereby granted", "advertising materials mentioning"),
    ),
    (
        "BSD-2-Clause",
        2000,
        (
            "redistribution and use in source and binary forms",
            "redistributions of source code must retain",
            "redistributions in binary form must reproduce",
        ),
        (
            "permission is hereby granted",
            "endorse or promote",
            "advertising materials mentioning",
        ),
    ),
    (
        "ISC",
        1200,
        (
            "permission to use, copy, modify, and",
            "distribute this software for any purpose with or without fee is hereby",
        ),
        ("redistribution and use", "permission is hereby granted"),
    ),
    (
        "Apache-2.0",
        12000,
        (
            "apache license version 2.0, january 2004",
            "terms and conditions for use, reproduction, and distribution",
            "end of terms and conditions",
        ),
        ("redistribution and use", "permission is hereby granted", "gnu general"),
    ),
)
"""Licence, the length beyond which more must be in it, what it says, what it never."""


def expression(text: str) -> str:
    """Return an SPDX expression in its normal form, empty when the text is none.

    >>> expression("mit or apache-2.0"), expression("Apache 2.0")
    ('MIT OR Apache-2.0', '')
    """
    text = text.strip()
    if not text or len(text) > _LONGEST:
        return ""
    try:
        return str(canonicalize_license_expression(text))
    except (InvalidLicenseExpression, MemoryError, RecursionError):
        return ""


def all_of(expressions: Iterable[str]) -> str:
    """Return the expression of what is under all of these, each named once.

    >>> all_of(["MIT", "GPL-2.0-only OR MIT", "ISC AND MIT"])
    'MIT AND (GPL-2.0-only OR MIT) AND ISC'
    """
    parts: dict[str, None] = {}
    for each in expressions:
        parts.update(dict.fromkeys(_conjuncts(each)))
    if len(parts) == 1:
        return next(iter(parts)).removeprefix("(").removesuffix(")")
    return " AND ".join(parts)


def from_classifier(classifier: str) -> str:
    """Return what a ``License ::`` classifier of a Python package says, or nothing.

    >>> from_classifier("License :: OSI Approved :: MIT License")
    'MIT'
    """
    kind, _, rest = classifier.partition(" :: ")
    if kind != "License":
        return ""
    return _CLASSIFIERS.get(rest.rpartition(" :: ")[2].strip(), "")


def from_words(text: str) -> str:
    """Return what the free ``License`` field of a Python package says, or nothing.

    >>> from_words("The MIT License"), from_words("Apache License, Version 2.0")
    ('MIT', 'Apache-2.0')
    """
    exact = expression(text)
    if exact:
        return exact
    words = re.sub(r"\b(the|licen[cs]e)\b|[,\"']", " ", text[:200].lower())
    return _WORDS.get(" ".join(words.replace("-", " ").split()), "")


def from_debian(text: str) -> str:
    """Return what the first line of a ``License`` field of Debian's says.

    >>> from_debian("GPL-2+ or Artistic, and Expat")
    '(GPL-2.0-or-later OR Artistic-1.0-Perl) AND MIT'
    >>> from_debian("Something-of-ours")
    'LicenseRef-debian-Something-of-ours'
    """
    parts = re.split(r",\s*(?:and\s+)?(?!or\b)", " ".join(text[:_LONGEST].split()))
    return all_of(_either(part) for part in parts if part.strip())


def from_text(text: str, *, family: str = "") -> str:
    """Return the licence that a text is, when it is certain; else nothing.

    Args:
        family: What the package says in general (``BSD``): then only the beginning is
            looked at, to tell which licence of the family it is.
    """
    plain = " ".join(re.sub(r"[*#>]|//", " ", text[:200_000].lower()).split())
    if family:
        plain = plain[:3000]
    for name, longest, said, never in _TEXTS:
        if family and not name.startswith(family):
            continue
        fits = all(each in plain for each in said)
        alone = family or not any(each in plain for each in never)
        if fits and alone and (family or len(plain) <= longest):
            return name
    return ""


def _conjuncts(text: str) -> list[str]:
    """The parts of an expression that all hold; one with a choice in it is in brackets.

    Only expressions made here come in: brackets in them are one level deep.
    """
    if not text:
        return []
    if " OR " in text and "(" not in text:
        return [f"({text})"]
    return re.split(r" AND (?![^(]*\))", text)


def _either(text: str) -> str:
    """One part of a field: licences of which one may be chosen, or a single one."""
    ways = [
        [_debian_name(each) for each in re.split(r"\s+and\s+", way) if each.strip()]
        for way in re.split(r"(?:^|\s+)or\s+", text)
        if way.strip()
    ]
    if len(ways) == 1:
        return all_of(ways[0])
    if any(len(way) > 1 for way in ways):
        # "A and B or C" is read differently by different people: keep what it says.
        return _reference(text)
    return " OR ".join(dict.fromkeys(way[0] for way in ways if way and way[0]))


def _debian_name(name: str) -> str:
    base, _, exception = name.strip().partition(" with ")
    licence = _plain_name(base.strip())
    if not exception:
        return licence
    known = _EXCEPTIONS.get(exception.strip().lower(), "")
    together = known and expression(f"{licence} WITH {known}")
    return together or _reference(name)


def _plain_name(name: str) -> str:
    lower = name.lower()
    gnu = _GNU.fullmatch(lower)
    if gnu:
        family, invariant, major, minor, later = gnu.groups()
        parts = [f"{family}-{major}{minor or '.0'}"]
        parts += ["no-invariants"] if invariant else []
        lower = "-".join([*parts, "or-later" if later else "only"])
    found = _DEBIAN.get(lower) or ("" if " " in lower else expression(lower))
    return found or _reference(name)


def _reference(name: str) -> str:
    slug = re.sub(r"\+(?![A-Za-z0-9])", "-or-later ", name.strip())
    slug = re.sub(r"[^A-Za-z0-9.]+", "-", slug).strip("-.")[:100]
    return f"LicenseRef-debian-{slug}" if slug else ""
