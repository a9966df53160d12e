"""SARIF logs: what the standard asks for, and what GitHub takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema

from firstlight.finding import Role
from firstlight.lint import sarif as module
from firstlight.lint.sarif import LIMIT, sarif
from lint.placed import place


def table(required: str, **properties: Any) -> dict[str, Any]:
    """An object that has these properties, no others, and the required ones."""
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


def each(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item, "minItems": 1}


NUMBER = {"type": "integer", "minimum": 1}
TEXT = {"type": "string", "minLength": 1}
MESSAGE = table("text", text=TEXT)
LEVEL = {"enum": ["none", "note", "warning", "error"]}
REGION = table(
    "startLine", startLine=NUMBER, startColumn=NUMBER, endLine=NUMBER, endColumn=NUMBER
)
URI = {"type": "string", "pattern": r"^[A-Za-z0-9/:._~%()!$&'*+,;=@-]+$"}
ARTIFACT = table("uri", uri=URI, uriBaseId=TEXT)
REPLACEMENT = table(
    "deletedRegion",
    deletedRegion=REGION,
    insertedContent=table("text", text={"type": "string"}),
)
CHANGE = table(
    "artifactLocation replacements",
    artifactLocation=ARTIFACT,
    replacements=each(REPLACEMENT),
)
RESULT = table(
    "message ruleId ruleIndex level locations partialFingerprints",
    ruleId=TEXT,
    ruleIndex={"type": "integer", "minimum": 0},
    level=LEVEL,
    message=MESSAGE,
    locations=each(
        table(
            "physicalLocation",
            physicalLocation=table(
                "artifactLocation region", artifactLocation=ARTIFACT, region=REGION
            ),
            logicalLocations=each(table("name", name=TEXT)),
        )
    ),
    partialFingerprints={"type": "object", "additionalProperties": TEXT},
    fixes=each(
        table("artifactChanges", description=MESSAGE, artifactChanges=each(CHANGE))
    ),
)
RULE = table(
    "id shortDescription help",
    id=TEXT,
    name=TEXT,
    shortDescription=MESSAGE,
    fullDescription=MESSAGE,
    help=table("text", text=TEXT, markdown=TEXT),
    defaultConfiguration=table("level", level=LEVEL),
    properties=table("tags", tags=each(TEXT)),
)
LOG = table(
    "version runs",
    **{"$schema": TEXT},
    version={"const": "2.1.0"},
    runs=each(
        table(
            "tool columnKind results",
            tool=table(
                "driver",
                driver=table(
                    "name semanticVersion rules",
                    name=TEXT,
                    semanticVersion=TEXT,
                    rules={"type": "array", "items": RULE, "uniqueItems": True},
                ),
            ),
            automationDetails=table("id", id=TEXT),
            columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
            newlineSequences=each(TEXT),
            originalUriBaseIds={
                "type": "object",
                "additionalProperties": table("description", description=MESSAGE),
            },
            invocations=each(
                table(
                    "executionSuccessful",
                    executionSuccessful={"type": "boolean"},
                    toolExecutionNotifications=each(
                        table("message", level=LEVEL, message=MESSAGE)
                    ),
                )
            ),
            results={"type": "array", "items": RESULT},
        )
    ),
)
"""What the standard asks for, of the parts that we write."""

TEXT_OF_PAGE = "# 🔧 标题\n\n🔧🔧 here ⚠️ it\n"


def one_run(*found: Any, **more: Any) -> dict[str, Any]:
    """Return the run of a log that is as the standard wants it."""
    log = sarif(found, **more)
    jsonschema.Draft202012Validator(LOG).validate(json.loads(json.dumps(log)))
    (run,) = log["runs"]
    return run


def test_an_empty_log_is_whole() -> None:
    run = one_run()
    assert run["results"] == run["tool"]["driver"]["rules"] == []


def test_columns_count_utf16_units_as_the_log_says() -> None:
    run = one_run(place(TEXT_OF_PAGE, "here"))
    (result,) = run["results"]
    region = result["locations"][0]["physicalLocation"]["region"]
    assert run["columnKind"] == "utf16CodeUnits"
    assert region == {"startLine": 3, "startColumn": 6, "endLine": 3, "endColumn": 10}


def test_a_rule_has_its_page_in_both_languages() -> None:
    run = one_run(place("a", "a"), place("b", "b"))
    (rule,) = run["tool"]["driver"]["rules"]
    assert rule["id"] == "symbols.feeling"
    assert "## Found" in rule["help"]["markdown"]
    assert "中文" in rule["help"]["markdown"]
    assert [each["ruleIndex"] for each in run["results"]] == [0, 0]


def test_what_the_engine_finds_has_a_description_too() -> None:
    (rule,) = one_run(place("a", "a", code="lint.unused-ignore"))["tool"]["driver"][
        "rules"
    ]
    assert rule["name"] == "LintUnusedIgnore"


def test_paths_are_those_of_the_repository_as_uris() -> None:
    run = one_run(place("a", "a", path="文档/a b.md"), prefix="sub/")
    location = run["results"][0]["locations"][0]["physicalLocation"]
    assert location["artifactLocation"] == {
        "uri": "sub/%E6%96%87%E6%A1%A3/a%20b.md",
        "uriBaseId": "%SRCROOT%",
    }


def test_a_page_outside_the_project_is_named_from_the_root() -> None:
    run = one_run(place("a", "a", path="/srv/a.md"), prefix="sub/")
    location = run["results"][0]["locations"][0]["physicalLocation"]
    assert location["artifactLocation"] == {"uri": "file:///srv/a.md"}


def test_a_fix_names_what_it_replaces() -> None:
    found = place(TEXT_OF_PAGE, "⚠️", new="危险")
    (result,) = one_run(found, read=lambda path: TEXT_OF_PAGE.encode())["results"]
    (fix,) = result["fixes"]
    (replacement,) = fix["artifactChanges"][0]["replacements"]
    assert replacement == {
        "deletedRegion": {
            "startLine": 3,
            "startColumn": 11,
            "endLine": 3,
            "endColumn": 13,
        },
        "insertedContent": {"text": "危险"},
    }


def test_a_page_that_is_gone_or_shorter_has_no_fixes() -> None:
    found = place(TEXT_OF_PAGE, "⚠️", new="x")
    assert "fixes" not in one_run(found)["results"][0]
    assert "fixes" not in one_run(found, read=lambda path: b"#\n")["results"][0]


def test_a_cell_is_no_line_of_its_file() -> None:
    found = place("a\nb", "b", cell=2, path="a.ipynb", new="x")
    (result,) = one_run(found, read=lambda path: b"a\nb")["results"]
    (location,) = result["locations"]
    assert location["physicalLocation"]["region"] == {"startLine": 1}
    assert location["logicalLocations"] == [{"name": "cell 2"}]
    assert result["message"]["text"].startswith("cell 2, line 2: ")
    assert "fixes" not in result


def test_equal_lines_of_a_page_have_fingerprints_of_their_own() -> None:
    run = one_run(place("a\n", "a"), place("b\n\na\n", "a"))
    marks = [each["partialFingerprints"] for each in run["results"]]
    first, second = (each["primaryLocationLineHash"] for each in marks)
    assert first.partition(":")[0] == second.partition(":")[0]
    assert (first.partition(":")[2], second.partition(":")[2]) == ("1", "2")


def test_of_too_many_the_worst_are_kept_in_their_order() -> None:
    note = place("a", "a", role=Role.NOTE)
    failure = place("b", "b", role=Role.FAILURE)
    log = sarif([note, failure, *[note] * LIMIT])
    (run,) = log["runs"]
    assert len(run["results"]) == LIMIT
    assert [each["level"] for each in run["results"][:3]] == ["note", "error", "note"]
    (told,) = run["invocations"][0]["toolExecutionNotifications"]
    assert told["message"]["text"].startswith("2 more findings are left out")


def test_the_log_names_nothing_of_this_machine() -> None:
    text = json.dumps(one_run(place("a", "a")))
    assert str(Path(module.__file__).parent) not in text
