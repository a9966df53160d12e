"""What is the same for every page of a run, and what rules may ask about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from firstlight.lint.limits import Limits

if TYPE_CHECKING:
    from firstlight.lexicon.table import Lexicon
    from firstlight.lint.environment import Environment

__all__ = ["FORMS", "TARGETS", "Given"]

TARGETS = (
    *("github", "zensical", "mkdocs", "jupyter", "vscode"),
    *("docusaurus", "vitepress", "myst"),
)
"""Where a project's pages may be read."""

FORMS = ("alert", "mkdocs", "blocks", "colon", "myst", "symbol", "bold")
"""The forms of notices that a project may choose; see `firstlight.markdown.page`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a rule may ask besides the page; the same for every page of a run.

    `targets` are where the pages are read; `form` is the form of notices that the
    project wants, empty for whichever a page uses; `environment` are the facts of the
    project's image, None without a spec.
    """

    lexicon: Lexicon
    targets: frozenset[str] = frozenset(("github",))
    limits: Limits = field(default_factory=Limits)
    form: str = ""
    environment: Environment | None = None
