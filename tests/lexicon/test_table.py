"""The table of functions: one symbol for each, however it is spelled or extended."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError

import pytest

from firstlight.errors import UsageError
from firstlight.lexicon.emoji import is_qualified, needs_variant, version_of
from firstlight.lexicon.table import DEFAULT, Lexicon
from firstlight.signs import SIGNS

FUNCTIONS = DEFAULT.functions.values()


def test_it_has_the_signs_that_the_terminal_has() -> None:
    assert list(DEFAULT.functions) == list(SIGNS)
    for each in FUNCTIONS:
        sign = SIGNS[each.name]
        assert (each.symbol, each.english, each.chinese) == sign[1:4]
        assert each.alert == sign.alert


def test_no_symbol_has_two_functions() -> None:
    every = [symbol for each in FUNCTIONS for symbol in (each.symbol, *each.aliases)]
    assert len({DEFAULT.function_of(symbol) for symbol in every}) == len(SIGNS)
    assert len(every) == len(set(every))
    assert not DEFAULT.feelings.intersection(every)


def test_no_word_announces_two_functions() -> None:
    every = [word for each in FUNCTIONS for word in each.words]
    assert len(every) == len(set(every))
    for each in FUNCTIONS:
        assert all(DEFAULT.function_of_word(word) == each.name for word in each.words)


def test_words_are_in_lower_case_and_each_function_has_both_languages() -> None:
    for each in FUNCTIONS:
        every = (*each.words, *each.companions)
        assert all(word == word.lower().strip() for word in every)
        assert any(word.isascii() for word in every)
        assert any(not word.isascii() for word in every)


def test_every_symbol_is_spelled_exactly_and_old_enough_for_all_readers() -> None:
    for each in FUNCTIONS:
        for symbol in (each.symbol, *each.aliases):
            assert is_qualified(symbol), symbol
        assert version_of(each.symbol) < 13
    assert all(map(is_qualified, DEFAULT.feelings))


@pytest.mark.parametrize("spelled", ["⚠️", "⚠", "⚠\ufe0e", "❗", "🚧", "‼", "‼️"])
def test_a_symbol_and_its_aliases_have_one_function(spelled: str) -> None:
    assert DEFAULT.function_of(spelled) == "warning"


def test_a_primary_is_told_from_an_alias() -> None:
    assert DEFAULT.is_primary("⚠")
    assert not DEFAULT.is_primary("🚧")
    assert not DEFAULT.is_primary("🐳")


def test_feeling_counts_however_it_is_spelled() -> None:
    assert DEFAULT.has_feeling("❤")
    assert DEFAULT.has_feeling("🎉")
    assert not DEFAULT.has_feeling("👍")  # An alias of success.
    assert not DEFAULT.has_feeling("🐳")  # Without function, and without feeling.


@pytest.mark.parametrize(
    ("word", "form", "function"),
    [
        ("Warning", "", "warning"),
        ("WARNING:", "plain", "warning"),
        ("**警告：**", "bold", "warning"),
        ("注意", "plain", "note"),
        ("重要提示", "plain", "key"),
        ("提示", "", "tip"),
        ("Don’t", "", "failure"),
        ("Caution", "plain", "warning"),
        ("CAUTION", "alert", "danger"),
        ("caution", "mkdocs", "warning"),
        ("important", "mkdocs", "key"),
        ("check", "details", "success"),
        ("error", "colon", "danger"),
        ("seealso", "myst", "note"),
        ("security", "mkdocs", "security"),
        ("Open", "symbol", "interface"),
        ("Open", "plain", ""),
        ("数据", "bold", ""),
        ("table", "myst", ""),
        ("question", "mkdocs", ""),
        ("Hello", "", ""),
        ("", "", ""),
    ],
)
def test_a_word_announces_a_function(word: str, form: str, function: str) -> None:
    assert DEFAULT.function_of_word(word, form) == function


def test_the_word_of_a_symbol_is_in_the_language_of_the_page() -> None:
    assert DEFAULT.word("danger", "en") == "Danger"
    assert DEFAULT.word("danger", "zh") == "危险"
    assert DEFAULT.word("danger", "zh-CN") == "危险"
    assert DEFAULT.meaning("danger", "en") != DEFAULT.meaning("danger", "zh")


def test_a_word_belongs_to_its_symbol() -> None:
    assert DEFAULT.is_word_of("Yes", "success")
    assert DEFAULT.is_word_of("Expected result:", "success")
    assert DEFAULT.is_word_of("不支持", "failure")
    assert not DEFAULT.is_word_of("Yes", "failure")
    assert not DEFAULT.is_word_of("Yes", "no such function")


def test_a_syntax_without_a_type_takes_a_neutral_one_and_a_title() -> None:
    assert DEFAULT.type_of("danger", "alert") == ("CAUTION", True)
    assert DEFAULT.type_of("key", "docusaurus") == ("note", False)
    assert DEFAULT.type_of("security", "vitepress") == ("info", False)


@pytest.mark.parametrize(
    ("syntax", "form"),
    [
        ("alert", "alert"),
        ("mkdocs", "mkdocs"),
        ("blocks", "blocks"),
        ("myst", "myst"),
        ("docusaurus", "colon"),
        ("vitepress", "colon"),
    ],
)
def test_a_type_that_says_it_all_is_read_as_its_function(
    syntax: str, form: str
) -> None:
    for name in DEFAULT.functions:
        written, says_it_all = DEFAULT.type_of(name, syntax)
        if says_it_all:
            assert DEFAULT.function_of_word(written, form) == name


# What a project changes


def test_a_project_takes_another_symbol() -> None:
    own = DEFAULT.extended({"danger": {"symbol": "☠️", "chinese": "高危"}})
    assert own.functions["danger"].symbol == "☠️"
    assert own.is_primary("☠")
    assert own.word("danger", "zh") == "高危"
    assert own.function_of("🔴") == "danger"  # Pages still have it.
    assert not own.is_primary("🔴")
    assert DEFAULT.is_primary("🔴")


def test_a_project_gives_an_alias_and_a_word_to_another_function() -> None:
    own = DEFAULT.extended({"warning": {"aliases": ["🚨"], "words": ["注意"]}})
    assert own.function_of("🚨") == "warning"
    assert own.function_of_word("注意：", "plain") == "warning"
    assert "🚨" not in own.functions["danger"].aliases
    assert "注意" not in own.functions["note"].words


def test_a_project_adds_a_function() -> None:
    more = {"symbol": "🧪", "english": "Experiment", "chinese": "实验"}
    own = DEFAULT.extended({"experiment": more})
    assert own.function_of("🧪") == "experiment"
    assert own.function_of_word("实验") == "experiment"
    assert own.type_of("experiment", "mkdocs") == ("note", False)


def test_a_feeling_with_a_function_has_no_feeling_any_more() -> None:
    own = DEFAULT.extended({"performance": {"aliases": ["🔥"]}})
    assert not own.has_feeling("🔥")


@pytest.mark.parametrize(
    ("functions", "message"),
    [
        ({"tip": {"symbol": "🔒"}}, "🔒 has two functions: tip and security"),
        (
            {"tip": {"aliases": ["🎈"]}, "note": {"aliases": ["🎈"]}},
            "🎈 has two functions: note and tip",
        ),
        ({"tip": {"colour": "red"}}, "docs.symbols.tip.colour is no field"),
        ({"tip": {"aliases": "🎈"}}, "docs.symbols.tip.aliases is not a list"),
        ({"tip": {"symbol": ""}}, "docs.symbols.tip.symbol is not a string"),
        ({"test": {"symbol": "🧪"}}, "without english and chinese"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(
    functions: dict[str, dict[str, object]], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        DEFAULT.extended(functions)
    assert message in caught.value.message


def test_an_unknown_kind_of_words_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(UsageError) as caught:
        DEFAULT.extended(words={"losses": ["gone"]})
    assert "docs.words.losses" in caught.value.message
    assert caught.value.hint == 'did you mean "loss"?'


@pytest.mark.parametrize("words", ["gone", [""], [" "], [3]])
def test_words_that_are_none_are_refused(words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        DEFAULT.extended(words={"loss": words})
    assert caught.value.message == "docs.words.loss is not a list of words"


def test_equal_tables_have_equal_digests() -> None:
    changed = DEFAULT.extended({"tip": {"symbol": "🎓"}})
    assert Lexicon() == DEFAULT
    assert Lexicon().digest == DEFAULT.digest
    assert changed != DEFAULT
    assert DEFAULT.extended(words={"loss": ["poof"]}) != DEFAULT
    assert DEFAULT.extended() == DEFAULT


def test_it_goes_to_other_processes_and_never_changes() -> None:
    own = DEFAULT.extended({"tip": {"symbol": "🎓"}}, {"loss": ["poof"]})
    assert pickle.loads(pickle.dumps(own)) == own
    assert hash(own) == hash(pickle.loads(pickle.dumps(own)))
    with pytest.raises(FrozenInstanceError):
        own.feelings = frozenset()  # type: ignore[misc]
    with pytest.raises(TypeError):
        own.functions["tip"] = own.functions["note"]  # type: ignore[index]


def test_only_some_primaries_fit_into_a_heading() -> None:
    awkward = {each.symbol for each in FUNCTIONS if needs_variant(each.symbol)}
    assert awkward == {"⚠️", "ℹ️", "🛠️", "🖥️"}


@pytest.mark.parametrize("table", [{"symbol": "abc"}, {"aliases": ["⚠️", "->"]}])
def test_a_symbol_is_one_emoji(table: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="is no emoji"):
        DEFAULT.extended({"tip": table})
