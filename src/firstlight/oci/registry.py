"""One repository of a registry: blobs, manifests, tags, referrers; pushed and pulled.

What a registry says is verified; what it refuses is told with the next step; a transfer
that was cut goes on where it stopped. Source: the OCI distribution-spec 1.1.
"""

from __future__ import annotations

from collections.abc import Sequence

from firstlight.config import Settings
from firstlight.digest import Digest, of_bytes
from firstlight.errors import ArtefactError
from firstlight.net import Download, Fetcher
from firstlight.oci import referrers
from firstlight.oci.blobs import Upload, Uploaded, size_of
from firstlight.oci.endpoint import Endpoint
from firstlight.oci.manifests import Document
from firstlight.oci.model import TITLE, Descriptor
from firstlight.oci.reference import TAG, Reference
from firstlight.oci.remote import Remote
from firstlight.oci.uploads import CHUNK, BlobUpload
from firstlight.progress import Progress
from firstlight.store import Store
from firstlight.together import for_all
from firstlight.web import Stop

__all__ = ["Document", "Repository", "Upload", "Uploaded"]

_UPLOADS = 4


class Repository:
    """One repository on one registry; may be used by several threads.

    Args:
        reference: Its name; tag and digest are not looked at.
        settings: Credentials, certificates, proxies, registries without TLS.
        store: Where blobs go; remembers uploads that were interrupted.
        progress: Hears of every transfer.
        retries: How often a failed request is repeated.
        pause: Seconds before the first repetition; each further one doubles them.
        timeout: Seconds without an answer or a byte that end a request.
        chunk: Bytes of a large blob that are sent in one request.
    """

    def __init__(
        self,
        reference: Reference,
        settings: Settings,
        store: Store,
        progress: Progress | None = None,
        *,
        retries: int = 5,
        pause: float = 0.5,
        timeout: float = 60,
        chunk: int = CHUNK,
    ) -> None:
        self.reference = reference
        self._chunk = chunk
        self._store = store
        self._progress = progress or Progress()
        self._endpoint = Endpoint(
            reference, settings, retries=retries, pause=pause, timeout=timeout
        )
        self._remote = Remote(self._endpoint)
        self._fetcher = Fetcher(
            settings,
            store,
            progress,
            retries=retries,
            pause=pause,
            timeout=timeout,
            account=self._endpoint.account(),
        )

    def close(self) -> None:
        """Close the connections that are kept open for the next request."""
        self._endpoint.close()
        self._fetcher.close()

    # Blobs

    def blob_size(self, digest: Digest) -> int | None:
        """Return the size of a blob that the registry has; None when it has it not."""
        return self._endpoint.patiently(lambda: size_of(self._endpoint, digest))

    def push_blobs(self, uploads: Sequence[Upload]) -> list[Uploaded]:
        """Push blobs in parallel; the first error, or Ctrl-C, stops all of them.

        A blob that is there is not sent. One that another repository of the registry
        has is taken from it. One whose push was interrupted is continued.

        Raises:
            NetworkError: when the registry refuses one, or cannot be reached.
            ArtefactError: when a file is not what it was.
        """
        first = {upload.digest: upload for upload in reversed(uploads)}
        work = list(
            {upload.digest: first[upload.digest] for upload in uploads}.values()
        )
        return for_all(work, self._push_blob, workers=_UPLOADS, name="push")

    def _push_blob(self, item: Upload, stop: Stop) -> Uploaded:
        with self._progress.task("push", item.name, item.size) as task:
            return BlobUpload(
                *(self._endpoint, self._store, item, task, stop), chunk=self._chunk
            ).run()

    def fetch(self, items: Sequence[Descriptor]) -> None:
        """Fetch blobs into the store in parallel, verified while they arrive.

        Raises:
            DigestError: when one is not what its descriptor says.
            NetworkError: when the registry does not give it.
        """
        self._fetcher.fetch_all(
            Download(
                urls=(self._endpoint.url(f"blobs/{item.digest}"),),
                digest=item.digest,
                size=item.size,
                name=dict(item.annotations).get(TITLE) or item.digest[:19],
            )
            for item in items
        )

    # Manifests

    def manifest(self, which: str) -> Document | None:
        """Return the manifest or index of a tag or digest; None when there is none.

        Raises:
            DigestError: when it is not what its digest says.
            ArtefactError: when it is too large, or no manifest.
        """
        found = self._remote.manifest(which)
        return found[0] if found else None

    def put_manifest(self, data: bytes, media_type: str, tag: str = "") -> Digest:
        """Push a manifest or index under a tag, or under its digest alone.

        Raises:
            NetworkError: when the registry refuses it, such as for a blob it lacks.
            DigestError: when the registry stored it as something else.
        """
        self._remote.put(data, media_type, tag)
        return of_bytes(data)

    # Lists

    def tags(self) -> list[str]:
        """Return all tags, in the registry's order; none where nothing was pushed yet.

        Raises:
            ArtefactError: when the list never ends, or is none.
        """
        names: dict[str, None] = {}
        for page in self._remote.pages(self._endpoint.url("tags/list"), "tags"):
            # Registries write null for an empty list.
            found = page.get("tags") or []
            if not isinstance(found, list):
                raise ArtefactError(f"{self.reference.name}: its tags are no list")
            wanted = (each for each in found if isinstance(each, str))
            names.update((each, None) for each in wanted if TAG.fullmatch(each))
        return list(names)

    def referrers(self, subject: Digest, artifact_type: str = "") -> list[Descriptor]:
        """Return what refers to a manifest: signatures, lists of its contents.

        Asked of the registry, or read from the tag that clients keep in its stead.

        Raises:
            ArtefactError: when the list is none, or does not end.
        """
        return referrers.listed(self._remote, subject, artifact_type)

    def attach(self, manifest: bytes, subject: Digest) -> Digest:
        """Push a manifest that refers to another one, so that it is found there.

        Where the registry keeps no list of referrers itself, the tag that stands for
        the list is kept. May be called again: nothing is listed twice.

        Raises:
            ArtefactError: when the manifest is not about that subject.
            NetworkError: when the registry refuses it.
        """
        referrers.attach(self._remote, self._store, manifest, subject)
        return of_bytes(manifest)
