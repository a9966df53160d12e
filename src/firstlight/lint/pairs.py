"""Which pages say the same in English and in Chinese, judged by where they are.

Only names decide, and only where they leave no doubt: two pages whose paths differ in
nothing but the code of a language.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

__all__ = ["Pair", "Unpaired", "candidates", "language_in", "pairs", "unpaired"]

_CHINESE = r"zh(?:[-_](?:cn|hans|hans[-_]cn))?|cn"
_ENGLISH = r"en(?:[-_](?:us|gb))?"
_CODE = re.compile(rf"(?:(?P<zh>{_CHINESE})|(?P<en>{_ENGLISH}))\Z", re.IGNORECASE)
_ENDING = re.compile(
    rf"(?P<name>.*?[^._-])[._-](?:(?P<zh>{_CHINESE})|(?P<en>{_ENGLISH}))\Z",
    re.IGNORECASE,
)
_PAGES = (".md", ".markdown", ".mdx", ".ipynb")
_TRANSLATED = {
    # Docusaurus keeps translations apart, in folders named after its plug-ins.
    "docusaurus-plugin-content-docs/current": "docs",
    "docusaurus-plugin-content-docs": "versioned_docs",
    "docusaurus-plugin-content-blog": "blog",
    "docusaurus-plugin-content-pages": "src/pages",
}


class Pair(NamedTuple):
    """Two paths of one page: in English, and in Chinese."""

    english: str
    chinese: str


class Unpaired(NamedTuple):
    """A page without a translation, into which language, and where it would be."""

    path: str
    language: str
    missing: str


class _Named(NamedTuple):
    """A path without its language, and that language: empty when it names none."""

    key: str
    language: str


def language_in(path: str) -> str:
    """Return ``zh`` or ``en`` when a path names that language, else nothing."""
    return _read(path).language


def pairs(languages: Mapping[str, str]) -> list[Pair]:
    """Return the pairs among pages, in the order of their English paths.

    A path that names no language is the other half of one that does. Whoever is named
    and written in another language than its name says (a copy not yet translated) is
    left out.

    Args:
        languages: Path -> the language its text is in, ``en`` or ``zh``.
    """
    found = []
    for group in _groups(languages).values():
        english = _one(group, "en", languages)
        chinese = _one(group, "zh", languages)
        if english and chinese and len(group) <= 3:
            found.append(Pair(english, chinese))
    return sorted(found)


def candidates(paths: Iterable[str]) -> frozenset[str]:
    """Return the pages that may be halves of pairs, by their names alone."""
    return frozenset(
        path
        for group in _groups(paths).values()
        for several in group.values()
        for path in several
    )


def _one(
    group: Mapping[str, list[str]], language: str, languages: Mapping[str, str]
) -> str:
    """The one path in a language: named after it, or not named and written in it."""
    named = group.get(language) or group.get("", [])
    fitting = [path for path in named if languages[path] == language]
    return fitting[0] if len(named) == len(fitting) == 1 else ""


def _groups(paths: Iterable[str]) -> dict[str, dict[str, list[str]]]:
    groups: dict[str, dict[str, list[str]]] = {}
    for path in paths:
        named = _read(path)
        group = groups.setdefault(named.key, {})
        group.setdefault(named.language, []).append(path)
    return {key: group for key, group in groups.items() if len(group) > 1}


def _read(path: str) -> _Named:
    folder, file = posixpath.split(path)
    stem, ending = posixpath.splitext(file)
    if ending.lower() not in _PAGES:
        return _Named(path, "")
    kept, named = _folder(folder)
    languages = set(named)
    if (found := _ENDING.match(stem)) is not None:
        stem = found["name"]
        languages.add("zh" if found["zh"] else "en")
    key = "/".join((*kept, stem.lower() + ending.lower()))
    if key.startswith("i18n/"):
        key = _untranslated(key.removeprefix("i18n/"))
    return _Named(key, languages.pop() if len(languages) == 1 else "")


@lru_cache(maxsize=512)  # Pages of one folder follow each other.
def _folder(folder: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """The parts of a folder without languages, and these."""
    languages: set[str] = set()
    parts = folder.split("/") if folder else []
    kept = tuple(bare for part in parts for bare in _bare(part, languages))
    return kept, frozenset(languages)


def _bare(part: str, languages: set[str]) -> list[str]:
    """A folder without its language; a folder that is nothing else disappears."""
    if found := _CODE.match(part):
        languages.add("zh" if found["zh"] else "en")
        return []
    if found := _ENDING.match(part):
        languages.add("zh" if found["zh"] else "en")
        return [found["name"]]
    return [part]


def _untranslated(key: str) -> str:
    for folder, original in _TRANSLATED.items():
        if key.startswith(f"{folder}/"):
            return original + key.removeprefix(folder)
    return key


# Pages without a translation


def unpaired(languages: Mapping[str, str]) -> list[Unpaired]:
    """Return the pages that lack a translation where those around them have one.

    A page counts when most pages of its folder are halves of pairs.
    """
    known = pairs(languages)
    other = dict(known) | {chinese: english for english, chinese in known}
    folders: dict[str, list[str]] = {}
    for path in languages:
        folders.setdefault(posixpath.dirname(path), []).append(path)
    found: list[Unpaired] = []
    for paths in folders.values():
        examples = [path for path in paths if path in other]
        if len(examples) * 2 > len(paths):
            lonely = sorted(set(paths).difference(examples))
            for language in ("en", "zh"):
                like = [path for path in examples if _is_in(path, language, languages)]
                mine = [path for path in lonely if _is_in(path, language, languages)]
                if like:
                    found.extend(_missing(mine, like[0], other[like[0]], languages))
    return sorted(found)


def _is_in(path: str, language: str, languages: Mapping[str, str]) -> bool:
    return (_read(path).language or languages[path]) == language


def _missing(
    lonely: Iterable[str], example: str, twin: str, languages: Mapping[str, str]
) -> Iterator[Unpaired]:
    for path in lonely:
        missing = _like(path, example, twin)
        if missing not in languages:
            yield Unpaired(path, _read(twin).language or languages[twin], missing)


def _like(path: str, example: str, twin: str) -> str:
    """Where the twin of a path is, when the twin of `example`, beside it, is `twin`."""
    folder, file = posixpath.split(twin)
    mine = posixpath.splitext(posixpath.basename(path))
    theirs = posixpath.splitext(posixpath.basename(example))[0]
    stem = posixpath.splitext(file)[0]
    found = _ENDING.match(theirs)
    bare = found["name"] if found else theirs
    own = _ENDING.match(mine[0])
    name = own["name"] if own else mine[0]
    return posixpath.join(folder, name + stem[len(bare) :] + mine[1])
