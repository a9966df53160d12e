"""Package URLs: one name for a package that every scanner understands.

Source: the *Package-URL specification*, types ``pypi``, ``deb`` and ``oci``.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from packaging.utils import canonicalize_name

from firstlight.lock.lockfile import Deb, Wheel
from firstlight.lock.system import System
from firstlight.oci.model import Image

__all__ = ["of_deb", "of_image", "of_wheel"]


def of_wheel(wheel: Wheel) -> str:
    """Return the package URL of a wheel: ``pkg:pypi/torch@2.7.1%2Bcu126``."""
    return _purl("pypi", canonicalize_name(wheel.name), wheel.version)


def of_deb(
    deb: Deb, system: System, *, source: str = "", source_version: str = ""
) -> str:
    """Return the package URL of a ``.deb``.

    `distro` and `upstream` are written as scanners read them: advisories are kept by
    release (``debian-12``) and by source package.
    """
    version = f"@{source_version}" if source_version else ""
    qualifiers = {
        "arch": deb.architecture,
        "distro": f"{system.distribution}-{system.version}",
        "upstream": f"{source}{version}" if source else "",
    }
    return _purl("deb", f"{system.distribution}/{deb.name}", deb.version, qualifiers)


def of_image(name: str, image: Image) -> str:
    """Return the package URL of an image, wherever it lies: its manifest counts."""
    architecture = image.platform.partition("/")[2]
    return _purl("oci", name.lower(), image.manifest, {"arch": architecture})


def _purl(
    kind: str, name: str, version: str, qualifiers: Mapping[str, str] | None = None
) -> str:
    pairs = [
        f"{key}={quote(value, safe=':')}"
        for key, value in sorted((qualifiers or {}).items())
        if value
    ]
    query = f"?{'&'.join(pairs)}" if pairs else ""
    return f"pkg:{kind}/{quote(name)}@{quote(version, safe=':')}{query}"
