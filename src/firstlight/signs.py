"""The visual grammar in one table: each function, its one symbol, its words.

The terminal and the documents use the same signs; what belongs to documents only
(aliases, cues, the syntaxes of notices) is in `firstlight.lexicon`.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["SIGNS", "Sign"]


class Sign(NamedTuple):
    """A function of a block and how it is shown.

    `alert` is GitHub's name for it, empty where GitHub has none.
    """

    function: str
    symbol: str
    english: str
    chinese: str
    alert: str = ""


SIGNS = {
    sign.function: sign
    for sign in (
        Sign("danger", "🔴", "Danger", "危险", "CAUTION"),
        Sign("warning", "⚠️", "Warning", "警告", "WARNING"),
        Sign("key", "📌", "Important", "重点", "IMPORTANT"),
        Sign("note", "ℹ️", "Note", "说明", "NOTE"),
        Sign("tip", "💡", "Tip", "提示", "TIP"),
        Sign("success", "✅", "Expected result", "预期结果"),
        Sign("failure", "❌", "Don't", "错误做法"),
        Sign("action", "🔧", "Do this", "操作"),
        Sign("troubleshooting", "🛠️", "Troubleshooting", "故障排查"),
        Sign("security", "🔒", "Security", "安全"),
        Sign("access", "🔐", "Access", "访问凭据"),
        Sign("interface", "🖥️", "Open", "打开"),
        Sign("performance", "📈", "Performance", "性能"),
        Sign("data", "📊", "Data", "数据"),
    )
}
"""Function -> sign, in the order of a legend: what must not be missed comes first."""
