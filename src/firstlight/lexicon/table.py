"""The visual grammar of a project: one symbol for each function, and its words."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from firstlight.errors import UsageError
from firstlight.fields import did_you_mean
from firstlight.lexicon.functions import FEELINGS, FUNCTIONS, NEUTRAL, TYPES, Function
from firstlight.lexicon.kinds import KINDS
from firstlight.lexicon.symbols import SYMBOL, bare

__all__ = ["DEFAULT", "Function", "Lexicon", "plain_word"]

_LISTS = ("aliases", "words", "companions")
_TEXTS = ("symbol", "english", "chinese", "meaning_en", "meaning_zh")
_SPOKEN = frozenset(("", "symbol"))
"""Forms in which a symbol stands with the word; elsewhere the word must do alone."""
_NAMED = frozenset(("", "symbol", "mkdocs", "details", "blocks", "colon"))
"""Forms in which the name of a function is a type that a site may draw."""


def plain_word(word: str) -> str:
    """Return a word as the tables have it: lower case, no colon, straight quotes."""
    lower = " ".join(word.lower().replace("’", "'").split())
    return lower.strip(" :：!！,，.。*_[]【】()（）「」") if lower != "n.b." else lower


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The table of functions of a project; it never changes.

    `cues` are cue words that the project adds to those of `firstlight.lexicon.cues`.
    """

    functions: Mapping[str, Function] = field(
        default_factory=lambda: FUNCTIONS, compare=False
    )
    feelings: frozenset[str] = field(default=FEELINGS, compare=False)
    cues: Mapping[str, tuple[str, ...]] = field(default_factory=dict, compare=False)
    _symbols: Mapping[str, str] = field(init=False, repr=False, compare=False)
    _alone: Mapping[str, str] = field(init=False, repr=False, compare=False)
    _words: Mapping[str, str] = field(init=False, repr=False, compare=False)
    _feelings: frozenset[str] = field(init=False, repr=False, compare=False)
    digest: str = field(init=False, repr=False)
    """Equal for equal tables, so that a cache knows when to forget."""

    def __post_init__(self) -> None:
        self._set("functions", MappingProxyType(dict(self.functions)))
        self._set("cues", MappingProxyType(dict(self.cues)))
        every = self.functions.values()
        symbols = _owners((f.name, (f.symbol, *f.aliases)) for f in every)
        alone = _owners((f.name, f.words) for f in every)
        shown = _first((f.name, (f.english, f.chinese)) for f in every)
        others = _first((f.name, f.companions) for f in every)
        self._set("_symbols", MappingProxyType(symbols))
        self._set("_alone", MappingProxyType(alone))
        self._set("_words", MappingProxyType({**others, **shown, **alone}))
        self._set("_feelings", frozenset(map(bare, self.feelings)))
        self._set("digest", self._digest())

    def __reduce__(self) -> tuple[Any, ...]:
        # A view of a table cannot go to another process; the table can.
        return Lexicon, (dict(self.functions), self.feelings, dict(self.cues))

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def _digest(self) -> str:
        feelings, cues = sorted(self.feelings), sorted(self.cues.items())
        text = repr((list(self.functions.values()), feelings, cues))
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def function_of(self, symbol: str) -> str:
        """Return the function of a symbol or alias, however it is spelled, or ""."""
        return self._symbols.get(bare(symbol), "")

    def is_primary(self, symbol: str) -> bool:
        """Whether a symbol is the one of its function, not an alias of it."""
        found = self.functions.get(self.function_of(symbol))
        return found is not None and bare(found.symbol) == bare(symbol)

    def has_feeling(self, symbol: str) -> bool:
        """Whether a symbol says how somebody feels, and has no function here."""
        plain = bare(symbol)
        return plain in self._feelings and plain not in self._symbols

    def function_of_word(self, word: str, form: str = "") -> str:
        """Return the function that a word announces, or "".

        Args:
            word: A label such as ``Warning``, ``注意：``, or the type of a notice.
            form: The syntax it stands in (`Notice.form`). The same word may mean
                another thing there: ``caution`` is the worst of GitHub's alerts,
                elsewhere a warning. But for ``symbol`` (and no form at all) only words
                count that announce a notice by themselves: ``Open:`` does not.
        """
        plain = plain_word(word)
        meant = TYPES.get(form, {}).get(plain)
        if meant is not None:
            return meant
        words = self._words if form in _SPOKEN else self._alone
        found = words.get(plain, "")
        return found or (plain if form in _NAMED and plain in self.functions else "")

    def is_word_of(self, word: str, function: str) -> bool:
        """Whether a word may stand with the symbol of a function."""
        found, plain = self.functions.get(function), plain_word(word)
        return found is not None and (
            plain in (found.english.lower(), found.chinese.lower())
            or plain in found.words
            or plain in found.companions
        )

    def word(self, function: str, language: str) -> str:
        """Return the word written with the symbol: Chinese for ``zh``, else English."""
        found = self.functions[function]
        return found.chinese if language.startswith("zh") else found.english

    def meaning(self, function: str, language: str) -> str:
        """Return one sentence that says what the function is."""
        found = self.functions[function]
        return found.meaning_zh if language.startswith("zh") else found.meaning_en

    def type_of(self, function: str, syntax: str) -> tuple[str, bool]:
        """Return the type that a syntax has for a function, and whether it says it all.

        When it does not, the notice needs the word of the function as its title.

        Args:
            function: One of `functions`.
            syntax: ``alert``, ``mkdocs``, ``blocks``, ``myst``, ``docusaurus`` or
                ``vitepress``.
        """
        own: str = getattr(self.functions[function], syntax)
        return (own, True) if own else (NEUTRAL[syntax], False)

    def extended(
        self,
        functions: Mapping[str, Mapping[str, Any]] | None = None,
        words: Mapping[str, Sequence[str]] | None = None,
    ) -> Lexicon:
        """Return this lexicon with what a project says of its own.

        Args:
            functions: Function -> the fields to change (`symbol`, `english`, `chinese`,
                `meaning_en`, `meaning_zh`), and to add to (`aliases`, `words`,
                `companions`). A function that is new needs a symbol and both words.
                What it takes is taken from the aliases and words of others.
            words: Kind of cue -> words that count as such cues as well.

        Raises:
            UsageError: when a symbol would have two functions, or a name is unknown.
        """
        own, changed = functions or {}, dict(self.functions)
        for name, table in own.items():
            changed[name] = _changed(name, changed.get(name), table)
        final = {name: _without(each, own) for name, each in changed.items()}
        _check_symbols(final)
        cues = dict(self.cues)
        for kind, more in (words or {}).items():
            _check_words(kind, more)
            plain = (" ".join(word.lower().split()) for word in more)
            cues[kind] = (*cues.get(kind, ()), *plain)
        return replace(self, functions=final, cues=cues)


def _owners(named: Iterable[tuple[str, Iterable[str]]]) -> dict[str, str]:
    return {bare(each): name for name, several in named for each in several}


def _first(named: Iterable[tuple[str, Iterable[str]]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, several in named:
        for each in several:
            found.setdefault(each.lower(), name)
    return found


# What a project changes


def _changed(name: str, old: Function | None, table: Mapping[str, Any]) -> Function:
    """One function with the fields of a project's table put in."""
    for key, value in table.items():
        _check_field(name, key, value)
    values: dict[str, Any] = {key: str(table[key]) for key in _TEXTS if key in table}
    for key in _LISTS:
        more = tuple(map(str, table.get(key, ())))
        if key != "aliases":
            more = tuple(map(plain_word, more))
        elif old is not None and "symbol" in table:
            # Pages still have the symbol of before.
            more = (*more, old.symbol)
        values[key] = (*(getattr(old, key) if old else ()), *more)
    if old is not None:
        return replace(old, **values)
    missing = [key for key in ("symbol", "english", "chinese") if not values.get(key)]
    if missing:
        raise UsageError(
            f"docs.symbols.{name} is a new function without {' and '.join(missing)}",
            hint=did_you_mean(name, FUNCTIONS) or "give symbol, english and chinese",
        )
    values = {"meaning_en": "", "meaning_zh": "", **values}
    return Function(name=name, **values)


def _check_field(name: str, key: str, value: Any) -> None:
    known = (*_TEXTS, *_LISTS)
    if key not in known:
        raise UsageError(
            f"docs.symbols.{name}.{key} is no field of a function",
            hint=did_you_mean(key, known) or f"known are {', '.join(known)}",
        )
    several = value if key in _LISTS else [value]
    is_list = isinstance(several, list | tuple)
    if not is_list or not all(isinstance(each, str) and each for each in several):
        kind = "a list of strings" if key in _LISTS else "a string that is not empty"
        raise UsageError(f"docs.symbols.{name}.{key} is not {kind}")
    if key in ("symbol", "aliases"):
        for each in several:
            if not SYMBOL.fullmatch(each.encode()):
                raise UsageError(
                    f'docs.symbols.{name}.{key}: "{each}" is no emoji',
                    hint="give one emoji, with U+FE0F where it needs that",
                )


def _without(function: Function, own: Mapping[str, Mapping[str, Any]]) -> Function:
    """A function without the aliases and words that a project gave to another."""
    others = [table for name, table in own.items() if name != function.name]
    symbols = {bare(t["symbol"]) for t in others if "symbol" in t}
    symbols |= {bare(alias) for t in others for alias in t.get("aliases", ())}
    own_symbol = bare(function.symbol)
    words = {plain_word(word) for t in others for word in t.get("words", ())}
    stays = own.get(function.name, {})
    kept = {bare(alias) for alias in stays.get("aliases", ())}
    said = {plain_word(word) for word in stays.get("words", ())}
    return replace(
        function,
        aliases=tuple(
            alias
            for alias in dict.fromkeys(function.aliases)
            if bare(alias) != own_symbol
            and (bare(alias) in kept or bare(alias) not in symbols)
        ),
        words=tuple(w for w in function.words if w in said or w not in words),
    )


def _check_symbols(functions: Mapping[str, Function]) -> None:
    """One symbol, one function; whoever breaks that hears both names."""
    owners: dict[str, str] = {}
    for name, function in functions.items():
        for symbol in (function.symbol, *function.aliases):
            other = owners.setdefault(bare(symbol), name)
            if other != name:
                raise UsageError(
                    f"{symbol} has two functions: {other} and {name}",
                    hint=f"choose another symbol in docs.symbols.{name} "
                    f"or docs.symbols.{other}",
                )


def _check_words(kind: str, words: Any) -> None:
    if kind not in KINDS:
        raise UsageError(
            f"docs.words.{kind} is no kind of cue words",
            hint=did_you_mean(kind, KINDS) or f"known are {', '.join(KINDS)}",
        )
    is_list = isinstance(words, list | tuple)
    if not is_list or not all(isinstance(w, str) and w.strip() for w in words):
        raise UsageError(f"docs.words.{kind} is not a list of words")


DEFAULT = Lexicon()
"""The visual grammar as firstlight ships it."""
