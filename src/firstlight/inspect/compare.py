"""Holds what somebody published against a rebuild from the lock, layer by layer.

A blob with the digest of the rebuilt one is the same: a digest names its content. Any
other blob is fetched and inflated, since only its bytes tell whether the same tar is
inside; what the image's configuration claims is not believed. Where the tar differs,
the rebuilt one is made again and both are compared file by file.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from enum import StrEnum
from functools import partial
from typing import Any

from firstlight.digest import Digest
from firstlight.errors import ArtefactError
from firstlight.finding import Finding, Role
from firstlight.inspect.blob import reading
from firstlight.inspect.inspect import encoding_of
from firstlight.inspect.opened import Opened
from firstlight.inspect.paths import PathChange, Remade, compare_files
from firstlight.oci.model import Descriptor, Layer
from firstlight.pack.build import Rebuilt
from firstlight.pack.plan import Recipe
from firstlight.parallel import WatchedFile, Workers
from firstlight.progress import Progress
from firstlight.store import Store

__all__ = ["LayerVerdict", "Status", "Verdict", "compare"]

_SHOWN = 5
_LONGEST = 120


class Status(StrEnum):
    """How a published layer relates to the rebuilt one; three of them are the same."""

    SAME = "same"
    REPACKED = "packed otherwise"
    INDEXED = "same files, with a table of contents"
    DIFFERENT = "different"
    UNREADABLE = "unreadable"
    FOREIGN = "not from the lock"
    MISSING = "missing"


_GOOD = (Status.SAME, Status.REPACKED, Status.INDEXED)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerVerdict:
    """What was found out about one layer.

    `published` is the digest of the blob that was looked at, `rebuilt` of the one it
    should be; None where a side has no such layer. `packages` are those that the lock
    puts into it, `paths` the first that differ, `note` why nothing more is known.
    """

    title: str
    status: Status
    published: Digest | None = None
    rebuilt: Digest | None = None
    encoding: str = ""
    packages: tuple[str, ...] = ()
    paths: tuple[PathChange, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a published image is what the lock gives."""

    name: str
    manifest: Digest
    image_id: Digest
    rebuilt_manifest: Digest
    rebuilt_id: Digest
    layers: tuple[LayerVerdict, ...]
    findings: tuple[Finding, ...]

    @property
    def is_same(self) -> bool:
        """Whether containers of both see the same files and start alike."""
        return not any(each.role is Role.FAILURE for each in self.findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Published:
    """A layer as the image has it, with what the image claims of it."""

    layer: Descriptor
    diff_id: Digest
    title: str


_Pair = tuple[int | None, _Published | None]
"""The number of a rebuilt layer, and the published one in its place."""


def compare(
    rebuilt: Rebuilt,
    image: Opened,
    store: Store,
    *,
    jobs: int,
    progress: Progress,
) -> Verdict:
    """Compare an image with a rebuild from the lock.

    Raises:
        NetworkError: when a layer that must be looked into cannot be fetched.
    """
    pairs = list(_pairs(rebuilt.image.layers, _published(image)))
    unlike = [each for each in pairs if _must_read(rebuilt, each)]
    recipes = rebuilt.recipes() if unlike else []
    look = _Look(rebuilt, recipes, image, store, progress)
    with store.held():
        image.source.fetch([found.layer for _, found in unlike if found])
        with Workers[int, LayerVerdict](jobs) as workers:
            for number, pair in enumerate(pairs):
                workers.start(number, partial(look.layer, pair))
            layers = tuple(workers.results(range(len(pairs))))
    findings = [
        *(finding for each in layers for finding in _of_layer(each, image)),
        *_of_documents(rebuilt, image, layers),
    ]
    return Verdict(
        name=image.source.name,
        manifest=image.manifest_digest,
        image_id=image.image_id,
        rebuilt_manifest=rebuilt.image.manifest,
        rebuilt_id=rebuilt.image.id,
        layers=layers,
        findings=tuple(findings),
    )


def _published(image: Opened) -> list[_Published]:
    rows = zip(
        image.manifest.layers, image.config.diff_ids, image.config.titles, strict=True
    )
    return [
        _Published(layer=layer, diff_id=diff_id, title=title)
        for layer, diff_id, title in rows
    ]


def _pairs(
    rebuilt: Sequence[Layer], published: Sequence[_Published]
) -> Iterator[_Pair]:
    """Put layers side by side: equal ones, else those of one title, else by place."""
    blobs = {layer.digest: layer.diff_id for layer in rebuilt}
    ours = [layer.diff_id for layer in rebuilt]
    theirs = [blobs.get(each.layer.digest, each.diff_id) for each in published]
    matcher = SequenceMatcher(None, ours, theirs, autojunk=False)
    for kind, low, high, first, last in matcher.get_opcodes():
        numbers, found = list(range(low, high)), list(published[first:last])
        if kind != "equal" and len(numbers) != len(found):
            titled = {rebuilt[number].title: number for number in numbers}
            for each in list(found):
                number = titled.pop(each.title, None)
                if number is not None:
                    numbers.remove(number)
                    found.remove(each)
                    yield number, each
        together = min(len(numbers), len(found)) if len(numbers) == len(found) else 0
        yield from zip(numbers[:together], found[:together], strict=True)
        yield from ((number, None) for number in numbers[together:])
        yield from ((None, each) for each in found[together:])


def _must_read(rebuilt: Rebuilt, pair: _Pair) -> bool:
    """Whether only the layer's own bytes tell what it is."""
    number, found = pair
    if number is None or found is None:
        return False
    return found.layer.digest != rebuilt.image.layers[number].digest


@dataclass(frozen=True, slots=True)
class _Look:
    """One comparison: what was rebuilt, what was published."""

    rebuilt: Rebuilt
    recipes: Sequence[Recipe]
    image: Opened
    store: Store
    progress: Progress

    def layer(self, pair: _Pair, stop: threading.Event) -> LayerVerdict:
        """Return what a layer is."""
        number, found = pair
        if number is None:
            assert found is not None
            return _foreign(found)
        layer = self.rebuilt.image.layers[number]
        verdict = LayerVerdict(
            title=layer.title, status=Status.SAME, rebuilt=layer.digest
        )
        if found is None:
            return replace(verdict, status=Status.MISSING)
        verdict = replace(
            verdict,
            published=found.layer.digest,
            encoding=encoding_of(found.layer),
        )
        if found.layer.digest == layer.digest:
            if self.image.source.has(found.layer):
                return verdict
            note = f"its blob is not in {self.image.source.name}"
            return replace(verdict, status=Status.UNREADABLE, note=note)
        try:
            return self._unlike(verdict, number, found, stop)
        except ArtefactError as error:
            return replace(verdict, status=Status.UNREADABLE, note=error.message)

    def _unlike(
        self,
        verdict: LayerVerdict,
        number: int,
        found: _Published,
        stop: threading.Event,
    ) -> LayerVerdict:
        """Another blob: inflate it, and look into it where the tar differs too."""
        inside = self._inflated(found, stop)
        if inside != found.diff_id:
            note = f"its content is {inside}; the configuration says {found.diff_id}"
            return replace(verdict, status=Status.UNREADABLE, note=note)
        if inside == self.rebuilt.image.layers[number].diff_id:
            return replace(verdict, status=Status.REPACKED)
        remade = Remade(
            layer=self.rebuilt.image.layers[number],
            recipe=self.recipes[number],
            shelf=self.rebuilt.plan.shelf,
            store=self.store,
            progress=self.progress,
            stop=stop,
        )
        if verdict.encoding == "eStargz" and remade.indexed() == inside:
            return replace(verdict, status=Status.INDEXED)
        paths, note = compare_files(remade, self.image.source, found.layer, found.title)
        packages = tuple(dict.fromkeys(each.package for each in paths if each.package))
        return replace(
            verdict,
            status=Status.DIFFERENT,
            packages=packages or remade.packages,
            paths=paths,
            note=note,
        )

    def _inflated(self, found: _Published, stop: threading.Event) -> Digest:
        layer, title = found.layer, found.title
        with (
            self.progress.task("verify", title, layer.size) as task,
            self.image.source.open(layer) as file,
            reading(
                WatchedFile(file, task, stop), title=title, size=layer.size
            ) as read,
        ):
            return read.finish(layer.digest)


def _foreign(found: _Published) -> LayerVerdict:
    return LayerVerdict(
        title=found.title,
        status=Status.FOREIGN,
        published=found.layer.digest,
        encoding=encoding_of(found.layer),
    )


# Findings


_HINTS = {
    Status.FOREIGN: "somebody added it; whoever runs the image runs what is in it",
    Status.MISSING: "push the image again",
    Status.UNREADABLE: "push the image again",
    Status.DIFFERENT: "do not run it before you know who changed it, and why",
}


def _of_layer(verdict: LayerVerdict, image: Opened) -> Iterator[Finding]:
    if verdict.status in _GOOD:
        return
    where, title = image.source.name, f"the layer {verdict.title!r}"
    message = {
        Status.FOREIGN: f"{title} ({verdict.published}) is not from the lock",
        Status.MISSING: f"{title} is missing",
        Status.UNREADABLE: f"{title} cannot be trusted: {verdict.note}",
        Status.DIFFERENT: f"{title} is another one: {_words(verdict)}",
    }[verdict.status]
    yield Finding(
        code="verify.published",
        role=Role.FAILURE,
        message=message,
        where=where,
        hint=_HINTS[verdict.status],
    )
    for change in verdict.paths[:_SHOWN]:
        owner = f" ({change.package})" if change.package else ""
        yield Finding(
            code="verify.path",
            role=Role.FAILURE,
            message=f"{change.how}{owner}",
            where=f"/{change.path}",
        )
    more = len(verdict.paths) - _SHOWN
    if more > 0:
        message = f"{more} more paths of this layer differ"
        yield Finding(code="verify.path", role=Role.NOTE, message=message, where=where)


def _words(verdict: LayerVerdict) -> str:
    named = ", ".join(verdict.packages)
    if verdict.paths:
        count = len(verdict.paths)
        return f"{count} {'path differs' if count == 1 else 'paths differ'}" + (
            f", of {named}" if named else ""
        )
    return f"{verdict.note}" + (f" (packages: {named})" if named else "")


def _of_documents(
    rebuilt: Rebuilt, image: Opened, layers: Sequence[LayerVerdict]
) -> Iterator[Finding]:
    """How configuration and manifest differ besides the layers they name."""
    where = image.source.name
    expected = json.loads(rebuilt.documents[rebuilt.image.id])
    found = json.loads(image.config_bytes)
    is_good = all(each.status in _GOOD for each in layers)
    is_indexed = any(each.status is Status.INDEXED for each in layers)
    for key, before, after in _differing(expected, found):
        if key in ("rootfs.diff_ids", "history") and not is_good:
            continue  # The layers were told one by one.
        if key == "rootfs.diff_ids" and is_indexed:
            continue  # Each was compared with the very tar it names.
        yield Finding(
            code="verify.config",
            role=Role.FAILURE,
            message=f"{key}: rebuilt {_short(before)}, published {_short(after)}",
            where=where,
        )
    yield from _of_manifest(rebuilt, image)


def _of_manifest(rebuilt: Rebuilt, image: Opened) -> Iterator[Finding]:
    """Annotations are for people and tools: no container sees them."""
    expected = json.loads(rebuilt.documents[rebuilt.image.manifest])
    found = json.loads(image.manifest_bytes)
    ours = {"annotations": expected.get("annotations") or {}}
    theirs = {"annotations": found.get("annotations") or {}}
    for key, before, after in _differing(ours, theirs):
        yield Finding(
            code="verify.annotation",
            role=Role.NOTE,
            message=f"{key}: rebuilt {_short(before)}, published {_short(after)}",
            where=image.source.name,
        )


def _differing(
    expected: Mapping[str, Any], found: Mapping[str, Any], path: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    """Each field that is not the same on both sides, by its path."""
    for key in sorted({*expected, *found}):
        before, after = expected.get(key), found.get(key)
        if before == after:
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            yield from _differing(before, after, f"{path}{key}.")
        else:
            yield f"{path}{key}", before, after


def _short(value: Any) -> str:
    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
