"""Pages that nobody should write, of any size: what makes a slow program hang."""

from __future__ import annotations

from collections.abc import Callable, Mapping

__all__ = ["ODD"]


def _table(size: int) -> str:
    return "| a | b |\n|---|---|\n" + "| ✅ | text `code` |\n" * size


def _nested(size: int) -> str:
    deep = min(size, 200)
    one = "".join("  " * level + "- item ⚠️\n" for level in range(deep))
    return f"{one}\n# Title\n\n" * max(size // deep, 1)


def _mkdocs(size: int) -> str:
    return '!!! warning "Title"\n\n    Text ⚠️ here.\n\n' * size


ODD: Mapping[str, Callable[[int], str]] = {
    "one line": lambda size: "word and word ⚠️ here, " * size,
    "one line of Chinese": lambda size: "请注意：删除数据卷会丢失所有数据，" * size,
    "sentences in one line": lambda size: (
        "Do not do this, or data will be lost. " * size
    ),
    "paragraphs": lambda size: "A paragraph with `code` in it.\n\n" * size,
    "lines of a paragraph": lambda size: "a line of text: and more\n" * size,
    "bullets": lambda size: "- item of a list\n" * size,
    "numbers": lambda size: "1. Install it and run it.\n" * size,
    "tasks": lambda size: "- [ ] task 🎉\n" * size,
    "nested lists": _nested,
    "quotes": lambda size: "> quote\n\n" * size,
    "quotes in quotes": lambda size: ("> " * 50 + "deep\n\n") * max(size // 50, 1),
    "headings": lambda size: "## ⚠️ Same title\n\ntext\n\n" * size,
    "links": lambda size: "[text](page.md#part) " * size,
    "links to itself": lambda size: "# a\n\n" + "[text](#part)\n" * size,
    "references": lambda size: "[a]\n" * size + "\n[a]: b.md\n",
    "definitions": lambda size: "".join(f"[a{n}]: b.md\n" for n in range(size)),
    "bare addresses": lambda size: "see https://example.org/a/b and\n" * size,
    "pictures": lambda size: "![](a.png)\n\n" * size,
    "emoji": lambda size: "🎉" * size,
    "emoji with spaces": lambda size: "⚠️ 🔧 " * size,
    "symbols with words": lambda size: "⚠️ **Warning**: mind this.\n\n" * size,
    "alerts": lambda size: "> [!WARNING]\n> It deletes all data.\n\n" * size,
    "admonitions": _mkdocs,
    "nested admonitions": lambda size: "".join(
        "    " * min(level, 60) + "!!! note\n\n" for level in range(size)
    ),
    "slashes": lambda size: "/// note | T\ntext\n///\n\n" * size,
    "open slashes": lambda size: "/// note\n" * size,
    "colons": lambda size: ":::warning\ntext\n:::\n\n" * size,
    "open colons": lambda size: ":::warning\n" * size,
    "directives": lambda size: "```{warning}\ntext\n```\n\n" * size,
    "fences": lambda size: (
        "```bash\nrm -rf ./a && docker run -p 80:80 b\n```\n\n" * size
    ),
    "one fence": lambda size: "```bash\n" + "$ sudo rm -rf ./a\nout\n" * size + "```\n",
    "fence without end": lambda size: "```\n" + "text\n" * size,
    "backticks": lambda size: "`" * size,
    "runs of backticks": lambda size: " ".join("`" * (n % 40 + 1) for n in range(size)),
    "stars": lambda size: "*" * size,
    "open emphasis": lambda size: "*a **b " * size,
    "bold words": lambda size: "**注意：**请勿 " * size,
    "brackets": lambda size: "[" * size,
    "closed brackets": lambda size: "[a](" * size,
    "angles": lambda size: "<a " * size,
    "tags": lambda size: "<b>x</b> " * size,
    "blocks of HTML": lambda size: '<div id="a">\n\ntext\n\n</div>\n\n' * size,
    "comments": lambda size: "<!-- comment -->\n\n" * size,
    "open comments": lambda size: "<!-- " * size,
    "ignores": lambda size: "<!-- firstlight: ignore symbols -->\n\n🎉 text\n\n" * size,
    "shortcodes": lambda size: ":warning: and :tada: " * size,
    "colons of text": lambda size: "a:" * size,
    "table": _table,
    "wide table": lambda size: "|a" * size + "|\n" + "|-" * size + "|\n",
    "dollars": lambda size: "$a$ and $ " * size,
    "empty lines": lambda size: "a\n" + "\n" * size,
    "spaces": lambda size: "a" + " " * size + "b\n",
    "empty items": lambda size: "-\n\n" * size,
    "entities": lambda size: "&amp; &lt; " * size,
    "escapes": lambda size: "\\* \\_ " * size,
    "footnotes": lambda size: "".join(f"a[^{n}]\n\n[^{n}]: b\n\n" for n in range(size)),
    "rules": lambda size: "---\n\n" * size,
    "front matter without end": lambda size: "---\n" + "a: b\n" * size,
    "carriage returns": lambda size: "text ⚠️ here\r\n\r\n" * size,
    "placeholders": lambda size: (
        "Run `docker run <your-image>` with YOUR_TOKEN.\n\n" * size
    ),
    "stops": lambda size: "." * size,
    "full stops": lambda size: "。" * size,
    "digits": lambda size: "1" * size,
    "dashes": lambda size: "a - b -- c — " * size,
}
"""Name -> the page, of a size that its length is proportional to."""
