"""What a rule's own page says of it: for `explain`, for reports, for the index."""

from __future__ import annotations

import re
from dataclasses import dataclass

from firstlight.lint.rules import page_of

__all__ = ["ENGINE", "Guide", "guide"]

ENGINE = {
    "lint.unused-ignore": (
        "A comment that tells to ignore something hides nothing.",
        "忽略注释没有隐藏任何问题。",
    ),
    "lint.unknown-ignore": (
        "A comment names a rule or topic to ignore that does not exist.",
        "忽略注释里写的规则或主题不存在。",
    ),
    "lint.unused-baseline": (
        "The baseline lists findings that are no longer there.",
        "基线里记录的问题已经不存在。",
    ),
    "lint.rule-failed": (
        "A rule stopped with an error of its own; the others went on.",
        "某条规则自身出错而中止；其他规则照常运行。",
    ),
    "lint.fix-withheld": (
        "A fix was not made, because it would change what readers see.",
        "修复未执行，因为它会改变读者看到的内容。",
    ),
    "lint.fix-conflict": (
        "The fixes of rules undo each other.",
        "几条规则的修复互相抵消。",
    ),
    "lint.unreadable": (
        "A file cannot be read.",
        "文件无法读取。",
    ),
    "lint.invalid-utf-8": (
        "A file is not UTF-8, so parts of it cannot be shown.",
        "文件不是 UTF-8 编码，部分内容无法显示。",
    ),
    "lint.not-written": (
        "A page was mended, but its file could not be written.",
        "页面已修复，但文件无法写入。",
    ),
}
"""What the engine itself finds has no page: a sentence in English and in Chinese."""

_SENTENCE = re.compile(r"((?:`[^`]*`|[^`])+?[.!?])(?:\s|$)")
_CHINESE = "中文："
_OFF = re.compile(r"(?:Off by default[.:] |默认关闭[。，：])")
"""How the page of a rule that is off begins; lists tell that in their own way."""
_FIX = re.compile(r"\*\*Fix\*\*:\s*(.*)", re.DOTALL)
_BREAK = re.compile(r"(?<=[^\x00-\x7f])\n\s*|\n\s*(?=[^\x00-\x7f])")
_SAFE = re.compile(r"\bsafe\b", re.IGNORECASE)
_NOT_ALWAYS = re.compile(r"\b(?:unsafe|except|where|for|else)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guide:
    """A rule as its page tells it: in English, in Chinese, and how it is mended.

    `text` is the whole page, with examples. What the engine finds has a sentence only.
    """

    code: str
    english: str
    chinese: str
    fix: str = ""
    text: str = ""

    @property
    def summary(self) -> str:
        """The first English sentence that says what is wrong."""
        text = _OFF.sub("", self.english)
        text = text[:1].upper() + text[1:]
        found = _SENTENCE.match(text)
        return found[1] if found else text

    @property
    def chinese_summary(self) -> str:
        """The first Chinese sentence that says what is wrong."""
        return _OFF.sub("", self.chinese).partition("。")[0] + "。"

    @property
    def fix_kind(self) -> str:
        """``safe``, ``partly`` (safe in most places), ``unsafe`` or ``none``."""
        if not self.fix or self.fix.lower().startswith("none"):
            return "none"
        if not _SAFE.search(self.fix):
            return "unsafe"
        return "partly" if _NOT_ALWAYS.search(self.fix) else "safe"


def guide(code: str) -> Guide:
    """Return what the page of a rule says.

    Raises:
        KeyError: when there is no such rule.
    """
    if code in ENGINE:
        english, chinese = ENGINE[code]
        return Guide(code=code, english=english, chinese=chinese)
    try:
        text = page_of(code).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise KeyError(code) from error
    head = text.partition("\n## ")[0]
    parts = [part.strip() for part in head.split("\n\n") if part.strip()]
    translated = [p.removeprefix(_CHINESE) for p in parts if p.startswith(_CHINESE)]
    fixes = [found[1] for part in parts if (found := _FIX.match(part))]
    told = [part for part in parts if not part.startswith(("#", _CHINESE, "**Fix**"))]
    return Guide(
        code=code,
        english=_joined(told),
        chinese=_joined(translated),
        fix=_joined(fixes),
        text=text,
    )


def _joined(parts: list[str]) -> str:
    """One line; in Chinese, where a line ends is no space."""
    return " ".join(_BREAK.sub("", " ".join(parts)).split())
