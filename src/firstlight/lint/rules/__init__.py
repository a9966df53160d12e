"""Every rule there is: one line each, and nothing is a rule that has no line here.

A module `topic_some_name` holds the rule ``topic.some-name`` as ``RULE``; its page is
the ``.md`` of the same name. Modules are imported only when their rule is used.
"""

from __future__ import annotations

from collections.abc import Collection
from importlib import import_module
from pathlib import Path

from firstlight.lint.rule import Rule

__all__ = ["MODULES", "code_of", "codes", "load", "page_of"]

MODULES: tuple[str, ...] = (
    # symbols
    "symbols_alias",
    "symbols_alone",
    "symbols_bullet",
    "symbols_density",
    "symbols_feeling",
    "symbols_heading_anchor",
    "symbols_heading_end",
    "symbols_in_a_row",
    "symbols_inside_text",
    "symbols_presentation",
    "symbols_shortcode",
    "symbols_two_functions",
    "symbols_unknown",
    "symbols_variant",
    # notices
    "notices_buried_hazard",
    "notices_dead_emphasis",
    "notices_empty",
    "notices_hazard_after_command",
    "notices_mixed_forms",
    "notices_nested",
    "notices_not_rendered",
    "notices_severity",
    "notices_stacked",
    "notices_unknown_type",
    "notices_unmarked_word",
    # steps
    "steps_command_without_result",
    "steps_destructive_command",
    "steps_fence_without_language",
    "steps_open_port",
    "steps_piped_download",
    "steps_privileged_container",
    "steps_prompt_character",
    "steps_root_command",
    "steps_secret_on_command_line",
    "steps_several_actions",
    "steps_unexplained_placeholder",
    "steps_unnumbered_procedure",
    # structure
    "structure_bare_url",
    "structure_dead_anchor",
    "structure_dead_link",
    "structure_duplicate_heading",
    "structure_emphasis_as_heading",
    "structure_empty_section",
    "structure_long_sentence",
    "structure_missing_alt_text",
    "structure_orphan_page",
    "structure_several_titles",
    "structure_skipped_heading_level",
    "structure_vague_link_text",
    "structure_wall_of_text",
    "structure_wide_table",
    # bilingual
    "bilingual_commands_differ",
    "bilingual_hazards_differ",
    "bilingual_headings_differ",
    "bilingual_marks_differ",
    "bilingual_missing_page",
    "bilingual_steps_differ",
    # environment
    "environment_image",
    "environment_path",
    "environment_port",
    "environment_version",
    # typography
    "typography_ellipsis",
    "typography_full_width_digits",
    "typography_half_width_punctuation",
    "typography_latin_spacing",
    "typography_repeated_punctuation",
)
"""By topic, in the order in which `firstlight docs explain` lists them."""


def code_of(module: str) -> str:
    """Return ``symbols.two-functions`` for ``symbols_two_functions``."""
    topic, _, name = module.partition("_")
    return f"{topic}.{name.replace('_', '-')}"


def codes() -> tuple[str, ...]:
    """Return the codes of all rules, without importing one."""
    return tuple(map(code_of, MODULES))


def page_of(code: str) -> Path:
    """Return where the page of a rule is."""
    name = code.replace(".", "_").replace("-", "_")
    return Path(__file__).with_name(f"{name}.md")


def load(wanted: Collection[str] | None = None) -> tuple[Rule, ...]:
    """Return these rules (all, by default) in the order of the table."""
    return tuple(
        import_module(f"{__name__}.{module}").RULE
        for module in MODULES
        if wanted is None or code_of(module) in wanted
    )
