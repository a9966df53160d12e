"""What a project would have locked on each day of a year.

Python packages: uv resolves as of that day. The package index says when each file was
uploaded and how large it is; so nothing is downloaded but metadata. Answers are kept in
a folder, for later runs.

OS packages: the changelog inside each of today's packages has the dates of all earlier
versions. What went to the security archive was there that day; all else came with the
next point release, which is when `base-files` changed. Sizes are those of today.
"""

from __future__ import annotations

import gzip
import io
import re
import subprocess
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

from measure import say
from project import Project
from uv import find_uv_bin

from firstlight.digest import Digest, of_bytes
from firstlight.lock.lockfile import Wheel
from firstlight.lock.python import select
from firstlight.lock.system import SUITES, System
from firstlight.pack.group import Item

__all__ = ["PACKAGES", "Changes", "Day", "days", "os_changes"]

UV = find_uv_bin()
PACKAGES = (
    *("torch", "torchvision", "jupyterlab", "ipywidgets", "numpy", "pandas", "einops"),
    *("scikit-learn", "matplotlib", "tensorboard", "tqdm", "pip"),
    *("transformers", "datasets", "accelerate"),
)
"""What the spec of a typical project names; the rest comes along."""


CHANGELOG = re.compile(r"/usr/share/doc/[^/]+/changelog(\.Debian)?(\.\w+)?\.gz")
ENTRY = re.compile(
    r"^(?P<source>\S+) \([^)]*\) (?P<suite>[^;]*);.*?^ -- .*?>\s+(?P<date>.*?)$",
    re.MULTILINE | re.DOTALL,
)
POINT_RELEASE = "base-files"


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The wheels of one day, by name."""

    when: date
    items: tuple[Item, ...]


def days(
    packages: Sequence[str], *, python: str, last: date, every: int, cache: Path
) -> list[Day]:
    """Resolve for a year of days up to `last`, `every` so many."""
    system = next(one for one in SUITES.values() if one.python == python)
    wanted = "\n".join(sorted(packages)) + "\n"
    mark = of_bytes(f"{python}\n{wanted}".encode())[7:19]
    folder = cache / f"python-{python}-{mark}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "wanted.in").write_text(wanted)
    when = [last - timedelta(days=back) for back in range(0, 366, every)]

    def one(day: date) -> Day:
        path = folder / f"pylock.{day:%Y%m%d}.toml"
        if not path.exists():
            _resolve(folder / "wanted.in", system, day, path)
        chosen = select(path.read_text(), platform="linux/amd64", system=system)
        return Day(when=day, items=tuple(map(_item, chosen)))

    say(f"{len(when)} resolutions up to {last}")
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(one, reversed(when)))


def _resolve(wanted: Path, system: System, day: date, path: Path) -> None:
    unfinished = path.with_name(f"pylock.unfinished-{path.name.split('.')[1]}.toml")
    command = [
        *(UV, "pip", "compile", wanted, "--quiet", "--no-header"),
        *("--python-version", system.python_full_version),
        "--universal",
        *("--only-binary", ":all:", "--no-python-downloads"),
        *("--exclude-newer", f"{day}T00:00:00Z"),
        *("--format", "pylock.toml", "--output-file", unfinished),
    ]
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, check=False, text=True
    )
    if done.returncode:
        raise SystemExit(f"{day}: {done.stderr}")
    unfinished.replace(path)


def _item(wheel: Wheel) -> Item:
    if wheel.size is None:
        raise SystemExit(f"{wheel.filename}: the package index gives no sizes")
    return Item(
        name=wheel.name,
        version=wheel.version,
        filename=wheel.filename,
        digest=wheel.digest,
        size=wheel.size,
        path=Path(wheel.filename),
    )


# The operating system


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The OS packages, the source of each, and the days on which sources changed."""

    debs: tuple[Item, ...]
    sources: Mapping[str, str]
    days: Mapping[str, frozenset[date]]

    def on(self, day: date) -> tuple[Item, ...]:
        """Return the packages as of a day; the digest counts the changes until then."""
        return tuple(
            replace(deb, digest=Digest(f"{deb.name}-{self._count(deb.name, day)}"))
            for deb in self.debs
        )

    def _count(self, name: str, day: date) -> int:
        return sum(each <= day for each in self.days.get(self.sources[name], ()))


def os_changes(project: Project, suite: str) -> Changes:
    """Read the changelogs of the OS packages of a project that was built."""
    debs, sources = [], {}
    uploads: dict[str, set[tuple[date, str]]] = {}
    for filename, digest in project.inputs().items():
        if not filename.endswith(".deb"):
            continue
        path, name = project.blob(digest), filename.split("_")[0]
        fields = ["dpkg-deb", "--field", str(path), "Source"]
        told = subprocess.run(fields, check=True, capture_output=True, text=True)
        sources[name] = (told.stdout.split() or [name])[0]
        for source, *upload in _uploads(path):
            uploads.setdefault(source, set()).add((upload[0], upload[1]))
        debs.append(
            Item(
                name=name,
                version="",
                filename=name,
                digest=Digest(digest),
                size=path.stat().st_size,
                path=path,
            )
        )
    releases = sorted(day for day, _ in uploads[POINT_RELEASE])
    days = {
        source: frozenset(_arrivals(found, suite, releases))
        for source, found in uploads.items()
    }
    return Changes(debs=tuple(debs), sources=sources, days=days)


def _uploads(deb: Path) -> Iterator[tuple[str, date, str]]:
    command = ["dpkg-deb", "--fsys-tarfile", str(deb)]
    data = subprocess.run(command, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            stream = CHANGELOG.search(member.name) and archive.extractfile(member)
            if not stream:
                continue
            text = gzip.decompress(stream.read()).decode(errors="replace")
            for entry in ENTRY.finditer(text):
                with suppress(ValueError):  # Dates of the last century are informal.
                    when = parsedate_to_datetime(entry["date"].strip()).date()
                    yield entry["source"], when, entry["suite"].strip()


def _arrivals(
    uploads: Iterable[tuple[date, str]], suite: str, releases: Sequence[date]
) -> Iterator[date]:
    for day, target in uploads:
        if target == f"{suite}-security":
            yield day
        elif target == suite:
            yield from [release for release in releases if release >= day][:1]
