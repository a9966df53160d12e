"""Proves on real pages that fixes, marks and conversions lose nothing.

    python benchmarks/corpus.py FOLDER... --english 3000 --chinese 1500
    python benchmarks/corpus.py FOLDER... --sample 200 --seed 1

The first prints how many pages and findings there were, how often each law was broken
(see `tests/lint/laws.py`), and how time grows with pages; it ends with 1 when a law was
broken. The second prints findings of the default rules with the lines they are about,
as many of each rule, for a person to read. A folder holds projects, each a folder of
pages. Pages are taken by chance of the seed, from each folder in turn.
"""

from __future__ import annotations

import argparse
import json
import marshal
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import chain, zip_longest
from pathlib import Path
from random import Random
from types import FrameType
from typing import NamedTuple

from measure import say
from samples import sample

from firstlight.errors import UsageError
from firstlight.lint.crew import cores, spread
from firstlight.lint.discover import SUFFIXES
from firstlight.lint.sources import Source, open_source
from firstlight.markdown.page import language_of

# The laws are those of the tests; beside this file, `lint` is another module.
sys.path[0] = str(Path(__file__).resolve().parent.parent / "tests")
from lint.laws import (  # noqa: E402
    LAWS,
    Broken,
    all_rules,
    default_rules,
    of_findings,
    of_fixes,
)
from lint.laws_of_writing import of_conversion, of_marks  # noqa: E402

LANGUAGES = ("en", "zh")
NO_CRASH = "it comes to an end"
PATIENCE = 60
"""Seconds of a processor for one thing that is done with one page."""
CHUNK = 20


# One page


class Deed(NamedTuple):
    """One thing done with one page.

    `changed` tells whether the page is another then, `count` how many findings, fixes,
    marks or notices there were.
    """

    changed: bool
    count: int
    seconds: float
    broken: list[tuple[str, str]]


def lint(source: Source) -> tuple[bool, int, list[Broken]]:
    """Look for findings with every rule."""
    count, broken = of_findings(source, all_rules())
    return False, count, broken


def fix(source: Source) -> tuple[bool, int, list[Broken]]:
    """Make the safe fixes of the default rules."""
    fixed, broken = of_fixes(source, default_rules())
    return fixed.source.data != source.data, fixed.made.total(), broken


def unsafe_fix(source: Source) -> tuple[bool, int, list[Broken]]:
    """Make all fixes of all rules."""
    fixed, broken = of_fixes(source, all_rules(), unsafe=True)
    return fixed.source.data != source.data, fixed.made.total(), broken


def mark(source: Source) -> tuple[bool, int, list[Broken]]:
    """Write the marks that are missing."""
    count, broken = of_marks(source)
    return count > 0, count, broken


def convert(source: Source) -> tuple[bool, int, list[Broken]]:
    """Write notices in every syntax."""
    count, broken = of_conversion(source.text)
    return count > 0, count, broken


DEEDS: dict[str, Callable[[Source], tuple[bool, int, list[Broken]]]] = {
    "lint": lint,
    "fix": fix,
    "unsafe fix": unsafe_fix,
    "mark": mark,
    "convert": convert,
}


def done(deed: str, source: Source) -> Deed:
    """Do one thing with a page; a crash is a law broken."""
    started = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, PATIENCE)
    try:
        changed, count, broken = DEEDS[deed](source)
    except Exception:
        changed, count = False, 0
        broken = [Broken(NO_CRASH, traceback.format_exc(limit=-2))]
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    seconds = time.process_time() - started
    return Deed(changed, count, seconds, [tuple(each) for each in broken])


def proven(paths: Sequence[str]) -> bytes:
    """Do everything with some pages; the answer is for `marshal.loads`."""
    signal.signal(signal.SIGPROF, late)
    return marshal.dumps([(path, one_page(path)) for path in paths])


def late(number: int, frame: FrameType | None) -> None:
    """End what takes too long."""
    raise TimeoutError(f"after {PATIENCE} s")


def one_page(path: str) -> dict[str, tuple[object, ...]]:
    """Return what was done with one page; nothing for a file that is none."""
    try:
        source = open_source(path, Path(path).read_bytes())
    except UsageError:
        return {}
    return {deed: tuple(done(deed, source)) for deed in DEEDS}


# Which pages


def files_of(folder: Path, random: Random) -> list[Path]:
    """Return the pages below a folder, in an order of chance."""
    found = sorted(p for p in folder.rglob("*") if p.suffix in SUFFIXES and p.is_file())
    random.shuffle(found)
    return found


def chosen(
    folders: Sequence[Path], wanted: dict[str, int], seed: int
) -> dict[str, list[Path]]:
    """Choose pages of each language, none twice, from each folder in turn."""
    random = Random(seed)
    rows = [files_of(folder, random) for folder in folders]
    found: dict[str, list[Path]] = {language: [] for language in LANGUAGES}
    seen: set[bytes] = set()
    for path in filter(None, chain.from_iterable(zip_longest(*rows))):
        if all(len(found[each]) >= wanted[each] for each in LANGUAGES):
            break
        data = path.read_bytes()
        digest = blake2b(data, digest_size=16).digest()
        language = language_of(data)
        if digest not in seen and len(found[language]) < wanted[language]:
            found[language].append(path)
            seen.add(digest)
    return found


# All pages


@dataclass
class Proof:
    """What was seen of the pages of one language."""

    sizes: dict[str, int] = field(default_factory=dict)
    deeds: dict[str, dict[str, Deed]] = field(default_factory=dict)

    def take(self, path: str, size: int, deeds: dict[str, Deed]) -> None:
        """Take what was done with one page."""
        self.sizes[path] = size
        for name, deed in deeds.items():
            self.deeds.setdefault(name, {})[path] = deed

    def broken(self) -> Iterator[tuple[str, str, str, str]]:
        """Yield the laws that do not hold: what was done, law, page, what was seen."""
        for name, pages in self.deeds.items():
            for path, deed in pages.items():
                for law, seen in deed.broken:
                    yield name, law, path, seen


def prove(paths: Sequence[Path], jobs: int) -> Proof:
    """Do everything with all pages."""
    proof = Proof()
    names = [str(path) for path in paths]
    chunks = [names[at : at + CHUNK] for at in range(0, len(names), CHUNK)]
    for number, answer in enumerate(spread(proven, chunks, jobs), 1):
        for path, deeds in marshal.loads(answer):
            if deeds:
                made = {name: Deed(*deed) for name, deed in deeds.items()}
                proof.take(path, Path(path).stat().st_size, made)
        if number % 20 == 0:
            say(f"{number * CHUNK} of {len(names)} pages")
    return proof


# The tables


def report(proofs: dict[str, Proof]) -> Iterator[str]:
    """The tables: pages, laws, time."""
    yield "| | English | Chinese |"
    yield "|---|---:|---:|"
    for name, values in counts(proofs).items():
        yield f"| {name} | {values['en']} | {values['zh']} |"
    yield ""
    yield "| pages that break a law | English | Chinese |"
    yield "|---|---:|---:|"
    broken = {
        language: Counter(each[:2] for each in {b[:3] for b in proof.broken()})
        for language, proof in proofs.items()
    }
    for deed, laws in LAWS.items():
        for law in (NO_CRASH, *laws):
            en, zh = (broken[language][deed, law] for language in LANGUAGES)
            yield f"| {deed}: {law} | {en} | {zh} |"
    yield ""
    yield "| ms per kB | all pages | largest tenth | slowest of them | its kB |"
    yield "|---|---:|---:|---:|---:|"
    yield from times(list(proofs.values()))


def counts(proofs: dict[str, Proof]) -> dict[str, dict[str, str]]:
    """What there was to do, by language."""
    table: dict[str, dict[str, str]] = {}

    def put(name: str, language: str, value: object) -> None:
        table.setdefault(name, {})[language] = str(value)

    for language, proof in proofs.items():
        put("pages", language, len(proof.sizes))
        put("MB", language, f"{sum(proof.sizes.values()) / 1e6:.1f}")
        for name, what in _COUNTED.items():
            deeds = proof.deeds.get(name, {}).values()
            put(what, language, sum(deed.count for deed in deeds))
            if name != "lint":
                changed = sum(deed.changed for deed in deeds)
                put(f"pages changed by {name}", language, changed)
    return table


_COUNTED = {
    "lint": "findings of all rules",
    "fix": "safe fixes of default rules",
    "unsafe fix": "all fixes of all rules",
    "mark": "marks",
    "convert": "notices",
}


def times(proofs: Sequence[Proof]) -> Iterator[str]:
    """How time grows; to prove the laws of a page takes most of it."""
    sizes = {path: size for proof in proofs for path, size in proof.sizes.items()}
    by_size = sorted(sizes, key=lambda path: sizes[path])
    largest = by_size[len(by_size) * 9 // 10 :]
    for name in DEEDS:
        took = {
            path: deed.seconds * 1e6  # Bytes and seconds to kB and ms.
            for proof in proofs
            for path, deed in proof.deeds.get(name, {}).items()
        }
        every, large = (
            sum(took[path] for path in paths) / sum(sizes[path] for path in paths)
            for paths in (by_size, largest)
        )
        slow = max(largest, key=lambda path: took[path] / sizes[path])
        yield (
            f"| {name} | {every:.2f} | {large:.2f} "
            f"| {took[slow] / sizes[slow]:.2f} | {sizes[slow] // 1000} |"
        )


def told(proofs: dict[str, Proof], most: int) -> Iterator[str]:
    """What was seen where a law was broken, a few of each."""
    shown: Counter[tuple[str, str]] = Counter()
    for proof in proofs.values():
        for deed, law, path, seen in proof.broken():
            shown[deed, law] += 1
            if shown[deed, law] <= most:
                yield f"{deed}: {law}\n    {path}\n    {seen}"


def main() -> int:
    """Prove or sample, as the options say."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--english", type=int, default=3000, help="pages")
    parser.add_argument("--chinese", type=int, default=1500, help="pages")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=cores())
    parser.add_argument("--examples", type=int, default=3, help="of each broken law")
    parser.add_argument("--json", type=Path, help="write what broke there")
    parser.add_argument("--sample", type=int, metavar="N", help="print N findings")
    parser.add_argument("--without", action="append", default=[], metavar="RULE")
    options = parser.parse_args()
    if options.sample:
        sample(options.folders, options.sample, options.seed, set(options.without))
        return 0
    wanted = {"en": options.english, "zh": options.chinese}
    started = time.perf_counter()
    pages = chosen(options.folders, wanted, options.seed)
    proofs = {name: prove(pages[name], options.jobs) for name in LANGUAGES}
    print("\n".join(report(proofs)))
    say(f"{time.perf_counter() - started:.0f} s on {options.jobs} processes")
    for line in told(proofs, options.examples):
        print(line, file=sys.stderr)
    broken = [each for proof in proofs.values() for each in proof.broken()]
    if options.json:
        options.json.write_text(json.dumps(broken, indent=1, ensure_ascii=False))
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
