"""firstlight: one spec, one lock, one image, one page that is proven true."""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
