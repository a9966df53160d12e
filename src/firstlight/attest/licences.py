"""Under which licence a package is, read from the package itself.

Wheels say it in their METADATA, ``.deb`` files in ``/usr/share/doc/NAME/copyright``,
which must be unpacked to be read. So each package is read once and what it said is kept
under its digest. Nothing here is legal advice: a licence that is not stated in a form
that a program can read is not guessed at, unless the text leaves no doubt.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from email.message import Message
from email.parser import Parser
from functools import partial
from pathlib import Path
from typing import Any

from firstlight.attest import spdx
from firstlight.digest import Digest
from firstlight.lock.lockfile import Deb, Wheel
from firstlight.pack.deb import placed_entries
from firstlight.pack.entry import Entry, Kind, Stream
from firstlight.pack.zip import Member, read_directory
from firstlight.pack.zipcontent import read
from firstlight.progress import Progress
from firstlight.store import Store

__all__ = [
    "UNKNOWN",
    "Licence",
    "licence_of_deb",
    "licence_of_wheel",
    "licences",
    "of_copyright",
    "of_metadata",
]

UNKNOWN = "unknown"
"""The expression of a package that says nothing we can read."""

_VERSION = 1
"""Raised whenever the same package is read in another way."""

_METADATA = 8 << 20
_TEXT = 1 << 20
_MOST_FILES = 1000
_FILE = re.compile(r"(licen[cs]e|copying|notice|eula)", re.IGNORECASE)
_DOC = "usr/share/doc/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """What a package says of its licence.

    `expression` is SPDX, or `UNKNOWN`, or ``see /usr/share/doc/NAME/copyright`` where
    only a person can read it. `source` says where it was found: a field of the
    package, ``text`` when a whole licence text was recognised, empty when nowhere.
    `files` are the licence texts: in the image for ``.deb`` files, beside METADATA for
    wheels. `package` is the package whose file that is, when it is another one.
    """

    expression: str
    source: str = ""
    files: tuple[str, ...] = ()
    package: str = ""

    @property
    def is_spdx(self) -> bool:
        """Whether the expression is one that programs understand."""
        return self.expression != UNKNOWN and not self.expression.startswith("see ")

    @property
    def is_proprietary(self) -> bool:
        """Whether it forbids what free licences allow, such as passing copies on."""
        return "proprietary" in self.expression.lower()


def licences(
    wheels: Sequence[Wheel],
    debs: Sequence[Deb],
    store: Store,
    *,
    jobs: int = 1,
    progress: Progress | None = None,
) -> dict[Digest, Licence]:
    """Return the licence of each package, by digest; all must be in the store.

    Packages seen before cost nothing; others are read side by side.

    Raises:
        ArtefactError: when a package is damaged or hostile.
        StoreError: when one is not in the store.
    """
    work: list[tuple[Digest, Callable[[], Licence]]] = [
        *((each.digest, partial(_wheel, each, store)) for each in wheels),
        *((each.digest, partial(_deb, each, store)) for each in debs),
    ]
    with (
        (progress or Progress()).task("read", "licences", None) as task,
        ThreadPoolExecutor(jobs) as pool,
    ):

        def one(item: tuple[Digest, Callable[[], Licence]]) -> tuple[Digest, Licence]:
            digest, read_it = item
            found = _known(store, digest)
            if found is None:
                found = read_it()
                store.record("licence", digest, [_VERSION, asdict(found)])
                task.advance(store.size(digest))
            return digest, found

        try:
            result = dict(pool.map(one, work))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return _resolved(result, debs)


def licence_of_wheel(path: Path, *, filename: str) -> Licence:
    """Return what a wheel says of its licence.

    `License-Expression` counts first, then the free `License` field where it is exact,
    then the classifiers, told apart by the licence text where they name a family.

    Raises:
        ArtefactError: when the wheel is damaged or hostile.
    """
    members = read_directory(path, filename=filename)
    inner = [each for each in members if _is_metadata(each)]
    if not inner:
        return Licence(expression=UNKNOWN)
    folder = posixpath.dirname(inner[0].name)
    texts = [each for each in members if _is_licence_file(each, folder)]
    data = read(path, inner[0], filename=filename, limit=_METADATA)
    found = of_metadata(data, lambda: _first_text(path, filename, texts))
    names = tuple(each.name for each in texts[:_MOST_FILES])
    return replace(found, files=names)


def of_metadata(data: bytes, text: Callable[[], str] = lambda: "") -> Licence:
    """Return what the METADATA of a Python package says.

    Args:
        text: Gives the licence text that lies beside it, where there is one.
    """
    # What follows the first empty line is the description.
    head = re.split(rb"\r?\n\r?\n", data, maxsplit=1)[0].decode("utf-8", "replace")
    fields = Parser().parsestr(head, headersonly=True)
    found, source = _of_fields(fields, text)
    return Licence(expression=found or UNKNOWN, source=source)


def of_copyright(name: str, text: str) -> Licence:
    """Return what ``/usr/share/doc/NAME/copyright`` says of an OS package."""
    files = (f"/{_DOC}{name}/copyright",)
    stated = spdx.all_of(map(spdx.from_debian, _stated(text)))
    if stated:
        return Licence(expression=stated, source="copyright", files=files)
    certain = spdx.from_text(text)
    if certain:
        return Licence(expression=certain, source="text", files=files)
    return Licence(expression=_see(name), files=files)


def licence_of_deb(path: Path, *, filename: str) -> Licence:
    """Return what a ``.deb`` says of its licence, reading no further than needed.

    Raises:
        ArtefactError: when the package is damaged or hostile.
    """
    name = filename.partition("_")[0]
    own = f"{_DOC}{name}"
    for _, entry in placed_entries(path, filename=filename):
        if entry is None or entry.path not in (own, f"{own}/copyright"):
            continue
        if entry.kind is Kind.SYMLINK:
            return _linked(name, entry)
        if entry.kind is Kind.FILE:
            return _read_copyright(name, entry)
    return Licence(expression=UNKNOWN)


# Wheels


def _wheel(wheel: Wheel, store: Store) -> Licence:
    return licence_of_wheel(store.path(wheel.digest), filename=wheel.filename)


def _is_metadata(member: Member) -> bool:
    folder, _, name = member.name.partition("/")
    return name == "METADATA" and folder.endswith(".dist-info")


def _is_licence_file(member: Member, folder: str) -> bool:
    below = member.name.removeprefix(f"{folder}/")
    if member.is_directory or below == member.name:
        return False
    return below.startswith("licenses/") or bool(_FILE.match(below))


def _of_fields(fields: Message, body: Callable[[], str]) -> tuple[str, str]:
    stated = spdx.expression(str(fields.get("License-Expression", "")))
    if stated:
        return stated, "License-Expression"
    free = str(fields.get("License", ""))
    words = spdx.from_words(free) if "\n" not in free.strip() else ""
    if words and not words.startswith("LicenseRef-BSD"):
        return words, "License"
    named = list(map(str, fields.get_all("Classifier", [])))
    stated = spdx.all_of(map(spdx.from_classifier, named)) or words
    family = stated.removeprefix("LicenseRef-")
    if family == "BSD":
        exact = spdx.from_text(free, family=family)
        exact = exact or spdx.from_text(body(), family=family)
        return exact or stated, "classifiers"
    if stated:
        return stated, "classifiers"
    certain = spdx.from_text(free) or spdx.from_text(body())
    return certain, "text" if certain else ""


def _first_text(path: Path, filename: str, texts: Sequence[Member]) -> str:
    """The licence text with the shortest name: the package's own, not of its parts."""
    ordered = sorted(texts, key=lambda each: (each.name.count("/"), len(each.name)))
    for member in ordered:
        if "licen" in member.name.rpartition("/")[2].lower() and member.size <= _TEXT:
            return read(path, member, filename=filename, limit=_TEXT).decode(
                "utf-8", "replace"
            )
    return ""


# Debian packages


def _deb(deb: Deb, store: Store) -> Licence:
    filename = deb.filename.rpartition("/")[2]
    return licence_of_deb(store.path(deb.digest), filename=filename)


def _see(name: str) -> str:
    return f"see /{_DOC}{name}/copyright"


def _linked(name: str, entry: Entry) -> Licence:
    """The documentation is another package's, which is in the image too."""
    folder = posixpath.dirname(entry.path)
    target = posixpath.normpath(posixpath.join("/", folder, entry.link)).lstrip("/")
    other = target.removeprefix(_DOC).partition("/")[0]
    if not target.startswith(_DOC) or not re.fullmatch(r"[a-z0-9][a-z0-9+.-]*", other):
        return Licence(expression=_see(name))
    return Licence(expression=_see(other), package=other)


def _read_copyright(name: str, entry: Entry) -> Licence:
    if entry.size > _TEXT:
        return Licence(expression=_see(name), files=(f"/{_DOC}{name}/copyright",))
    assert isinstance(entry.content, Stream)
    data = entry.content.open().read(entry.size)
    return of_copyright(name, data.decode("utf-8", "replace"))


def _stated(text: str) -> Iterator[str]:
    """The first line of each License field, when the file is for programs to read.

    Source: Debian's *Machine-readable debian/copyright file*, version 1.0. Paragraphs
    without Files only repeat in full what others name, except for the first.
    """
    paragraphs = re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n").strip("\n"))
    if not re.match(r"(?i)format(-specification)?:.*(copyright-format|dep-?5)", text):
        return
    for number, paragraph in enumerate(paragraphs):
        heads = re.findall(r"(?im)^(files|license):[ \t]*(.*)$", paragraph)
        fields = {field.lower(): value.strip() for field, value in heads}
        if "license" in fields and ("files" in fields or number == 0):
            yield fields["license"]


def _resolved(
    found: Mapping[Digest, Licence], debs: Sequence[Deb]
) -> dict[Digest, Licence]:
    """Replace references to other packages by what those say."""
    named = {deb.name: found[deb.digest] for deb in debs}
    result = dict(found)
    for digest, licence in found.items():
        other = named.get(licence.package)
        if other is not None and not other.package:
            result[digest] = replace(other, package=licence.package)
    return result


def _known(store: Store, digest: Digest) -> Licence | None:
    value: Any = store.fact("licence", digest)
    match value:
        case [int(version), dict(fields)] if version == _VERSION:
            try:
                return Licence(**{**fields, "files": tuple(fields["files"])})
            except (KeyError, TypeError):
                return None
        case _:
            return None
