"""Findings that a project knows of and hides for now: only new ones count.

The file has the number of each, by path, code and fingerprint, so that lines may move.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from firstlight.errors import UsageError
from firstlight.finding import Finding, Role
from firstlight.lint.result import Found, found
from firstlight.lint.write import put
from firstlight.markdown.lines import Lines

__all__ = ["Compared", "compared", "read_baseline", "write_baseline"]

_VERSION = 1


class Compared(NamedTuple):
    """Findings that are not in the baseline, and how many are."""

    found: list[Found]
    hidden: int


def _key(each: Found) -> tuple[str, str, str]:
    return each.path, each.code, each.fingerprint


def write_baseline(path: Path, findings: Iterable[Found]) -> int:
    """Write a baseline that hides these findings, and return how many they are."""
    counts = Counter(map(_key, findings))
    table: dict[str, dict[str, dict[str, int]]] = {}
    for (page, code, fingerprint), count in sorted(counts.items()):
        table.setdefault(page, {}).setdefault(code, {})[fingerprint] = count
    text = json.dumps({"version": _VERSION, "pages": table}, indent=1, sort_keys=True)
    try:
        put(path, f"{text}\n".encode())
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    return counts.total()


def read_baseline(path: Path) -> Counter[tuple[str, str, str]]:
    """Return how often each finding is known.

    Raises:
        UsageError: when there is no such file, or it is no baseline.
    """
    hint = f"write it with `firstlight docs lint --write-baseline {path.name}`"
    try:
        found = json.loads(path.read_bytes())
        if found["version"] != _VERSION:
            raise ValueError(f"version {found['version']} is not known here")
        return Counter(
            {
                (page, code, fingerprint): int(count)
                for page, by_code in found["pages"].items()
                for code, prints in by_code.items()
                for fingerprint, count in prints.items()
            }
        )
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", hint=hint) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} is no baseline: {error}", hint=hint) from error


def compared(
    findings: Iterable[Found],
    known: Mapping[tuple[str, str, str], int],
    pages: Iterable[str],
) -> Compared:
    """Return what is new, and a note for each page that has less than is known.

    Args:
        findings: All findings of a run.
        known: What `read_baseline` gave.
        pages: The pages that the run looked at: of others nothing is said.
    """
    left = Counter(known)
    new = []
    hidden = 0
    for each in findings:
        if left[_key(each)] > 0:
            left[_key(each)] -= 1
            hidden += 1
        else:
            new.append(each)
    seen = set(pages)
    gone: Counter[str] = Counter()
    for (path, _, _), count in left.items():
        if path in seen:
            gone[path] += count
    return Compared(new + [_gone(p, n) for p, n in sorted(gone.items()) if n], hidden)


def _gone(path: str, count: int) -> Found:
    finding = Finding(
        code="lint.unused-baseline",
        role=Role.NOTE,
        message=f"{count} of the findings in the baseline are no more",
        hint="write the baseline anew, so that they cannot come back unseen",
    )
    return found(finding, path, Lines(b""))
