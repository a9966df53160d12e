"""An image as one tar file, and handed to Docker or Podman.

`write_docker` writes what `docker load` reads (``manifest.json``) and `write_oci` an
OCI layout in a tar (``index.json``). Bytes are streamed from the store.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from firstlight import proc
from firstlight.digest import Digest
from firstlight.errors import EngineError, StoreError
from firstlight.oci.layout import blobs_of, index_json, write
from firstlight.oci.model import Image, canonical_json
from firstlight.progress import Progress, Task
from firstlight.store import Store

__all__ = ["write_blobs", "write_docker", "write_oci", "load", "LOADERS"]


def write_docker(
    image: Image,
    store: Store,
    file: Path,
    *,
    tag: str = "",
    progress: Progress | None = None,
) -> None:
    """Write an archive for ``docker load``, ``podman load`` and ``skopeo``.

    Raises:
        StoreError: when the file cannot be written; nothing is left of it.
    """
    reference = f"{image.name}:{tag or 'latest'}"
    manifest = {
        "Config": f"blobs/sha256/{image.id[7:]}",
        "RepoTags": [reference],
        "Layers": [f"blobs/sha256/{layer.digest[7:]}" for layer in image.layers],
    }
    documents = {"manifest.json": canonical_json([manifest])}
    write_blobs(blobs_of(image), store, file, documents, progress)


def write_oci(
    image: Image,
    store: Store,
    file: Path,
    *,
    tag: str = "",
    progress: Progress | None = None,
) -> None:
    """Write an OCI layout as one tar file.

    Raises:
        StoreError: when the file cannot be written; nothing is left of it.
    """
    size = store.size(image.manifest)
    documents = {
        "oci-layout": b'{"imageLayoutVersion":"1.0.0"}\n',
        "index.json": index_json(b"", image, size, tag or image.name, str(file)),
    }
    write_blobs(blobs_of(image), store, file, documents, progress)


def write_blobs(
    blobs: Sequence[Digest],
    store: Store,
    file: Path,
    documents: Mapping[str, bytes],
    progress: Progress | None,
) -> None:
    """Write blobs of the store and some documents into a tar file.

    Raises:
        StoreError: when the file cannot be written; nothing is left of it.
    """
    temporary = file.with_name(f".{file.name}.part")
    total = sum(store.size(blob) for blob in blobs)
    try:
        with (
            (progress or Progress()).task("write", file.name, total) as task,
            tarfile.open(temporary, "w", format=tarfile.PAX_FORMAT) as archive,
        ):
            _fill(archive, blobs, store, documents, task)
        temporary.replace(file)
    except OSError as error:
        raise StoreError(
            f"writing the archive {file}: {error.strerror}",
            hint="choose a file you may write, on a disk with room",
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def _fill(
    archive: tarfile.TarFile,
    blobs: Sequence[Digest],
    store: Store,
    documents: Mapping[str, bytes],
    task: Task,
) -> None:
    for blob in blobs:
        info = tarfile.TarInfo(f"blobs/sha256/{blob[7:]}")
        with store.read(blob) as stream:
            info.size = store.size(blob)
            archive.addfile(info, stream)
        task.advance(info.size)
    for name, data in documents.items():
        info = tarfile.TarInfo(name)
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))


# Engines


def _load_docker(image: Image, store: Store, scratch: Path, progress: Progress) -> str:
    file = scratch / "image.tar"
    write_docker(image, store, file, progress=progress)
    _run("docker", "load", "--input", str(file))
    return f"{image.name}:latest"


def _load_podman(image: Image, store: Store, scratch: Path, progress: Progress) -> str:
    # Podman makes a name from the folder's path and refuses capital letters in it and a
    # `_` before a slash; so the path is relative and the image's own name.
    write(image, store, scratch / image.name, progress=progress)
    _run("podman", "pull", "--quiet", f"oci:{image.name}:{image.name}", cwd=scratch)
    _run("podman", "tag", image.id.removeprefix("sha256:"), f"{image.name}:latest")
    return f"localhost/{image.name}:latest"


LOADERS: dict[str, Callable[[Image, Store, Path, Progress], str]] = {
    "docker": _load_docker,
    "podman": _load_podman,
}


def load(engine: str, image: Image, store: Store, progress: Progress) -> str:
    """Give the image to Docker or Podman and return the reference to run it by.

    Raises:
        EngineError: when the engine is not here or refuses.
    """
    with store.scratch() as folder:
        return LOADERS[engine](image, store, folder, progress)


def _run(*command: str, cwd: Path | None = None) -> None:
    result = proc.capture(command, cwd=cwd)
    if result.code:
        raise EngineError(
            f"{result.line} failed with code {result.code}: {result.stderr.strip()}",
            hint=f"check that `{command[0]} info` works for you",
        )
