"""Where an image is shared: the ``[share]`` of a spec, unknown to the image itself.

What stands here never makes a lock stale.
"""

from __future__ import annotations

from dataclasses import dataclass

from firstlight.errors import UsageError
from firstlight.fields import Fields, shown
from firstlight.oci.reference import parse_reference

__all__ = ["COMPRESSIONS", "Share", "read_share"]

COMPRESSIONS = ("gzip", "zstd", "estargz", "estargz-embedded")
"""How layers can be written for a registry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The repository (``registry.example.org/team/torch``), and how layers are sent."""

    image: str = ""
    compression: str = "gzip"


def read_share(fields: Fields) -> Share:
    """Read the table; what is wrong with it goes to the findings."""
    found = Share(
        image=_image(fields),
        compression=fields.choice("compression", COMPRESSIONS, "gzip"),
    )
    fields.end()
    return found


def _image(fields: Fields) -> str:
    text = fields.text("image")
    if not text:
        return ""
    try:
        reference = parse_reference(text)
    except UsageError as error:
        fields.problem("image", f"found {shown(text)}: {error.message}", error.hint)
        return ""
    if reference.name != text:
        fields.problem(
            "image",
            f"found {shown(text)}, allowed is a repository without tag and digest",
            f'write image = "{reference.name}"; the tag is made from the lock',
        )
        return ""
    return text
