"""Settings are read strictly, and say everything that is wrong at once."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from firstlight.errors import SpecError, UsageError
from firstlight.finding import Role
from firstlight.lint.limits import Limits
from firstlight.lint.plan import chosen, plan_of
from firstlight.lint.rules import codes
from firstlight.lint.settings import PATHS, Settings, read_settings
from lint.small_rules import rule

CODE = codes()[0]
TOPIC = CODE.partition(".")[0]


def read(folder, text, name="firstlight.toml"):
    (folder / name).write_text(text, encoding="utf-8")
    return read_settings(folder)


def problems(folder, text):
    with pytest.raises(SpecError) as caught:
        read(folder, text)
    return {f.where: f"{f.message} | {f.hint}" for f in caught.value.findings}


def test_a_project_without_settings_has_defaults(tmp_path):
    assert read_settings(tmp_path) == Settings()
    assert read(tmp_path, 'python = "3.11"\n') == Settings()
    assert Settings().paths == PATHS


def test_every_field_is_read(tmp_path):
    found = read(
        tmp_path,
        f"""
        [docs]
        paths = ["guide/**/*.md"]
        exclude = ["guide/old"]
        targets = ["github", "jupyter"]
        select = ["typography"]
        ignore = ["{CODE}"]
        form = "alert"
        baseline = "known.json"
        [docs.roles]
        {CODE} = "note"
        "{codes()[1]}" = "failure"
        [docs.per-file-ignores]
        "CHANGELOG.md" = ["{TOPIC}"]
        [docs.limits]
        table-columns = 5
        [docs.symbols.tip]
        symbol = "🐣"
        [docs.words]
        loss = ["gone for good"]
        """,
    )
    assert found.paths == ("guide/**/*.md",)
    assert found.exclude == ("guide/old",)
    assert found.targets == ("github", "jupyter")
    assert found.select == ("typography",)
    assert found.ignore == (CODE,)
    assert (found.form, found.baseline) == ("alert", "known.json")
    assert found.roles == {CODE: Role.NOTE, codes()[1]: Role.FAILURE}
    assert found.ignored == {"CHANGELOG.md": (TOPIC,)}
    assert found.limits.table_columns == 5
    assert found.symbols == {"tip": {"symbol": "🐣"}}
    assert found.words == {"loss": ("gone for good",)}


def test_pyproject_has_them_under_its_tool(tmp_path):
    text = '[tool.firstlight.docs]\nform = "myst"\n'
    assert read(tmp_path, text, "pyproject.toml").form == "myst"


def test_all_errors_come_at_once_with_their_places(tmp_path):
    found = problems(
        tmp_path,
        f"""
        [docs]
        target = ["github"]
        targets = ["gihub"]
        form = "alerts"
        select = ["{CODE}x"]
        [docs.roles]
        {TOPIC} = "eror"
        [docs.limits]
        table-columns = -1
        table_columns = 4
        """,
    )
    said = {
        where.removeprefix("firstlight.toml: docs."): found[where] for where in found
    }
    assert sorted(said) == [
        *("form", "limits.table-columns", "limits.table_columns"),
        *(f"roles.{TOPIC}", "select", "target", "targets[0]"),
    ]
    assert said["target"] == 'unknown key "target" | did you mean "targets"?'
    assert 'did you mean "alert"?' in said["form"]
    assert said["select"].startswith(f'there is no rule or topic "{CODE}x"')
    assert said["select"].endswith(f'did you mean "{CODE}"?')
    assert said["limits.table-columns"] == "found -1, allowed is 0 or more | "


def test_docs_that_are_no_table_are_told(tmp_path):
    found = problems(tmp_path, "docs = 3\n")
    assert found == {"firstlight.toml: docs": "found 3, allowed is a table | "}


def test_a_file_that_is_no_toml_is_told(tmp_path):
    with pytest.raises(SpecError, match=r"firstlight\.toml: not valid TOML"):
        read(tmp_path, "[docs")


def test_symbols_of_two_functions_are_told():
    settings = Settings(symbols={"tip": {"symbol": "⚠️"}})
    with pytest.raises(UsageError, match="tip"):
        plan_of(settings, rules=[])


ON, OFF = rule("a.on", "x"), rule("a.off", "x", on=False)


@pytest.mark.parametrize(
    ("select", "ignore", "expected"),
    [
        ((), (), [ON]),
        (("a",), (), [ON, OFF]),
        (("a.off",), (), [ON, OFF]),
        ((), ("a",), []),
        (("a.off",), ("a",), [OFF]),
        (("a",), ("a.off",), [ON]),
        (("a",), ("a",), []),
    ],
)
def test_a_code_weighs_more_than_its_topic(select, ignore, expected):
    settings = Settings(select=select, ignore=ignore)
    assert list(chosen(settings, [ON, OFF])) == expected


def test_a_plan_has_another_digest_for_other_settings():
    plans = [
        plan_of(settings, rules=[ON])
        for settings in (
            Settings(),
            Settings(form="alert"),
            Settings(roles={"a.on": Role.NOTE}),
            Settings(ignored={"*.md": ("a",)}),
            Settings(words={"loss": ("x",)}),
            Settings(targets=("myst",)),
        )
    ]
    assert len({plan.digest for plan in plans}) == len(plans)
    assert plan_of(Settings(), rules=[ON]).digest == plans[0].digest


@pytest.mark.parametrize("page", ["documents.md", "documents.zh.md"])
def test_the_guide_lists_every_limit_with_its_default(page):
    text = (Path(__file__).parents[2] / "docs" / page).read_text(encoding="utf-8")
    for each in fields(Limits):
        name = each.name.replace("_", "-")
        assert f"| `{name}` | {getattr(Limits(), each.name)} |" in text
