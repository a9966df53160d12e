"""Symbols and cue words of a page are those that a person reads, where they stand."""

from __future__ import annotations

from firstlight.lexicon.table import DEFAULT
from firstlight.markdown import cues, symbols
from firstlight.markdown.parse import parse

PAGE = """\
# ✅ 结果

> ⚠️ **警告**：删除后**无法恢复**。

Run `rm 🎉` and [do not stop 🚀](https://example.org/🔥).

```text
💡 data loss
```
""".encode()


def test_symbols_of_code_and_addresses_are_none() -> None:
    page = parse(PAGE)
    found = page.once(symbols.of)
    assert [each.text for each in found] == ["✅", "⚠️", "🚀"]
    assert all(PAGE[s.start : s.end].decode() == s.text for s in found)


def test_cues_stand_where_the_source_has_them() -> None:
    found = parse(PAGE).once(cues.of)
    assert [cue.word for cue in found["loss"]][-1] == "无法恢复"
    assert [cue.word for cue in found["prohibition"]] == ["do not"]
    for several in found.values():
        for cue in several:
            assert PAGE[cue.start : cue.end].decode().lower() == cue.word


def test_cues_are_those_of_the_page_s_own_lexicon() -> None:
    own = DEFAULT.extended(words={"loss": ["stop"]})
    found = parse(PAGE, lexicon=own).once(cues.of)
    assert "stop" in [cue.word for cue in found["loss"]]
