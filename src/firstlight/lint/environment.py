"""What the project's image is, as plain values: what its pages must not contradict.

The values come from the spec and the lock; who reads those is none of this part's
business. What is not known is empty, and then nothing contradicts it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property

from firstlight.finding import Span
from firstlight.markdown.page import Page

__all__ = [
    "Environment",
    "agree",
    "heading_at",
    "is_about_image",
    "is_hedged",
    "leaf_span",
]


@dataclass(frozen=True, kw_only=True)
class Environment:
    """The facts of an image, and of how it is run.

    `image` is its repository without tag; `tags` and `digests` those that its lock
    gives it. `ports` are the servers whose port the spec names. `versions` has
    ``python``, ``torch`` (``2.7.1+cu126``), ``cuda``, ``cudnn``, ``nccl`` and the
    packages that the spec names, in lower case. `workspace` is where the project is
    inside, `home` the home folder of its `user`.
    """

    name: str
    image: str = ""
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    ports: tuple[tuple[str, int], ...] = ()
    versions: tuple[tuple[str, str], ...] = ()
    workspace: str = "/workspace"
    home: str = "/home/user"
    user: str = "user"

    @cached_property
    def digest(self) -> str:
        """Equal for equal environments, so that a cache knows when to forget."""
        values = {key: value for key, value in vars(self).items() if key != "digest"}
        text = repr(sorted(values.items()))
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def agree(said: str, known: str) -> bool:
    """Whether two versions can be the same: one may say less than the other.

    >>> agree("2.7", "2.7.1+cu126"), agree("2.7.0", "2.7.1"), agree("3.11.9", "3.11")
    (True, False, True)
    """
    said, _, said_build = said.partition("+")
    known, _, known_build = known.partition("+")
    pairs = zip(said.split("."), known.split("."), strict=False)
    builds = {said_build, known_build}.difference(("",))
    return all(one == other for one, other in pairs) and len(builds) < 2


_ABOUT = re.compile(
    r"\b(?:this|the|our|project's)\s+(?:\w+\s+)?(?:image|environment|container)\b"
    r"|(?:本|该|此|这个|项目的?)(?:镜像|环境|容器)"
    r"|(?:镜像|容器)(?:内|中|里|包含|自带|内置|预装|提供)",
    re.IGNORECASE,
)
_CONTENTS = re.compile(
    r"\bimage\b.*\b(?:contents?|versions?)\b|\b(?:contents?|versions?)\b.*\bimage\b"
    r"|\bwhat(?:'s| is)\b.*\b(?:inside|image)\b|镜像(?:内容|版本|清单|里有什么|包含)",
    re.IGNORECASE,
)
_HEDGED = re.compile(
    r"\b(?:if|or|older|newer|later|earlier|lower|higher|than|least|not|no|without|"
    r"instead|before|after|until|upgrad\w*|downgrad\w*|from|was|were|previous\w*|other|"
    r"another|unlike|requir\w*|need\w*|minimum|support\w*|compatible|your|host|future)\b"
    r"|n't\b|[<>≤≥]|\d\s*\+(?!\w)|如果|若|或|以上|以下|及更|更高|更低|至少|不|旧|之前|之后|升级|降级"
    r"|以前|其他|其它|另|要求|需要|需|支持|兼容|最低|您|你|宿主|主机|未来|曾",
    re.IGNORECASE,
)


def is_about_image(sentence: str, heading: str) -> bool:
    """Whether a sentence, or the heading it is under, speaks of the project's image."""
    return bool(_ABOUT.search(sentence) or _CONTENTS.search(heading))


def is_hedged(sentence: str) -> bool:
    """Whether a sentence compares, requires or negates, and so states no plain fact."""
    return bool(_HEDGED.search(sentence))


def heading_at(page: Page, number: int) -> str:
    """Return the text of the heading that a block is under."""
    for at in reversed(page.numbers("heading")):
        if at < number:
            return page.text(page.blocks[at])
    return ""


def leaf_span(page: Page, number: int) -> Span:
    """Return the bytes a statement may spread over: a row of a table, or a leaf."""
    block = page.blocks[number]
    if block.kind == "cell" and block.parent >= 0:
        return page.blocks[block.parent].span
    return block.span
