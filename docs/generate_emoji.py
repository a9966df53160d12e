"""Write the list of emoji that the lexicon knows: ``python docs/generate_emoji.py``.

Facts from the `emoji` package, which has them from Unicode's emoji-test.txt (symbols,
versions), CLDR (names) and GitHub's list (shortcodes). Run it when Unicode adds some.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import emoji

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "src" / "firstlight" / "lexicon" / "emoji.tsv"

HEAD = f"""\
# Written by docs/generate_emoji.py; do not edit. Facts of Unicode's emoji-test.txt and
# CLDR, and shortcodes of GitHub, as the package emoji {emoji.__version__} has them.
# symbol, version of Emoji, name, shortcodes besides the name
"""

MOVED = {("🐞", "beetle"), ("🍳", "egg"), ("🏤", "post_office")}
"""Shortcodes that GitHub has given to another emoji since."""

_COMPONENT, _QUALIFIED = (emoji.STATUS[n] for n in ("component", "fully_qualified"))


def text() -> str:
    """Return the list; equal packages give equal text."""
    return HEAD + "".join(f"{line}\n" for line in sorted(_lines()))


def _lines() -> Iterator[str]:
    for symbol, facts in emoji.EMOJI_DATA.items():
        if facts["status"] in (_COMPONENT, _QUALIFIED):
            name = facts["en"].strip(":").replace("_", " ")
            aliases = sorted(code.strip(":") for code in facts.get("alias", ()))
            codes = " ".join(each for each in aliases if (symbol, each) not in MOVED)
            yield f"{symbol}\t{facts['E']:g}\t{name}\t{codes}".rstrip()


if __name__ == "__main__":
    LIST.write_text(text(), encoding="utf-8")
    print(f"wrote {LIST.name}")
