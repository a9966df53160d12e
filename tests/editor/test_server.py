"""A real process, asked and told what editors ask and tell."""

from __future__ import annotations

import os
import pty
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from editor.language_client import PULLING, Client, applied, editor

PAGE = "# Training 训练\r\n\r\n中文 🎉 Release 2 is out.\r\n\r\n- 🔥 fast\r\n"
HAZARD = (
    "# 清理\n\n下面的命令会永久删除所有数据，无法恢复。\n\n```sh\nrm -rf data\n```\n"
)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    """A server that was just started for a folder with a page."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "README.md").write_bytes(PAGE.encode())
    with editor(folder) as started:
        yield started


def place(line: int, character: int, end: int | None = None) -> dict[str, Any]:
    """Return a range in one line."""
    last = character if end is None else end
    return {
        "start": {"line": line, "character": character},
        "end": {"line": line, "character": last},
    }


def at(uri: str, line: int, character: int) -> dict[str, Any]:
    """Return the parameters of a question about a place."""
    return {
        "textDocument": {"uri": uri},
        "position": {"line": line, "character": character},
    }


def actions(client: Client, uri: str, where: Any, only: list[str] | None = None) -> Any:
    """Return what is offered at a place."""
    context = {"diagnostics": [], **({"only": only} if only else {})}
    params = {"textDocument": {"uri": uri}, "range": where, "context": context}
    return client.ask("textDocument/codeAction", params)


def edits_of(action: Any) -> Any:
    """Return the edits of an action that changes one text."""
    (change,) = action["edit"]["documentChanges"]
    return change["edits"]


def test_a_page_from_its_first_finding_to_none(client: Client) -> None:
    server = client.start()
    assert server["positionEncoding"] == "utf-16"
    uri = client.open("README.md")
    first, second = client.findings(uri)
    assert (first["code"], first["severity"]) == ("symbols.feeling", 2)
    assert first["range"] == place(2, 3, 5)
    assert second["range"] == place(4, 2, 4)
    assert first["codeDescription"]["href"].endswith("symbols_feeling.md")
    fix, ignore = actions(client, uri, place(2, 3))
    assert (fix["kind"], fix["isPreferred"]) == ("quickfix", True)
    assert fix["diagnostics"] == [first]
    assert "ignore symbols.feeling" in edits_of(ignore)[0]["newText"]
    (edit,) = edits_of(fix)
    client.change(uri, {"range": edit["range"], "text": edit["newText"]})
    (left,) = client.findings(uri)
    assert left["range"] == second["range"]
    (every,) = actions(client, uri, place(0, 0), ["source.fixAll"])
    text = applied(applied(PAGE, edits_of(fix)), edits_of(every))
    client.change(uri, {"text": text})
    assert client.findings(uri) == []
    assert text == "# Training 训练\r\n\r\n中文 Release 2 is out.\r\n\r\n- fast\r\n"
    client.tell("textDocument/didClose", textDocument={"uri": uri})
    assert client.findings(uri) == []
    assert client.stop() == 0
    assert client.stderr() == ""


def test_help_while_writing(client: Client) -> None:
    client.start()
    uri = client.open("new.md", f"{HAZARD}\n⚠️ **警告**：小心。\n")
    hover = client.ask("textDocument/hover", at(uri, 8, 0))
    assert hover["contents"]["value"].startswith("⚠️ **警告** · Warning")
    assert hover["range"] == place(8, 0, 2)
    assert client.ask("textDocument/hover", at(uri, 0, 0)) is None
    whole = {"start": place(0, 0)["start"], "end": place(9, 0)["end"]}
    hints = {"textDocument": {"uri": uri}, "range": whole}
    (hint,) = client.ask("textDocument/inlayHint", hints)
    assert hint["label"] == "🔴 危险?"
    assert hint["position"] == {"line": 2, "character": 0}
    assert "🔴 **危险**：下面" in applied(HAZARD, hint["textEdits"])
    client.change(uri, {"range": place(9, 0), "text": ":tip"})
    offered = client.ask("textDocument/completion", at(uri, 9, 4))
    assert offered["items"][0]["textEdit"] == {
        "range": place(9, 0, 4),
        "newText": "💡 **提示**：",
    }
    assert client.leave() == 1  # Without a word: not as agreed, and no hanging either.


@pytest.mark.parametrize(
    ("encoding", "columns"),
    [("utf-8", (7, 11)), ("utf-16", (3, 5)), ("utf-32", (3, 4))],
)
def test_columns_are_those_of_the_editor(
    client: Client, encoding: str, columns: tuple[int, int]
) -> None:
    assert client.start(encodings=(encoding,))["positionEncoding"] == encoding
    uri = client.open("README.md")
    assert client.findings(uri)[0]["range"] == place(2, *columns)
    # A line that Python would cut in two, and the library would look for in vain.
    client.change(uri, {"range": place(0, 2, 10), "text": "A\u2028B\x0c 中"})
    column = {"utf-8": 13, "utf-16": 9, "utf-32": 9}[encoding]
    client.change(uri, {"range": place(0, column), "text": "🎉"})
    codes = {each["range"]["start"]["line"] for each in client.findings(uri)}
    assert codes == {0, 2, 4}


def test_editors_that_pull_are_told_when_there_is_more(client: Client) -> None:
    (client.folder / "README.zh.md").write_text("# 甲\n\n## 乙\n\n正文\n")
    english = "# Guide\n\n🎉 Some English words.\n\n- 🔥 fast\n"
    (client.folder / "README.md").write_text(english)
    client.start(PULLING)
    uri = client.open("README.md")

    def pull(before: str | None = None) -> Any:
        item = {"textDocument": {"uri": uri}, "previousResultId": before}
        return client.ask("textDocument/diagnostic", item)

    first = pull()
    assert [each["code"] for each in first["items"]] == ["symbols.feeling"] * 2
    assert pull(first["resultId"])["kind"] == "unchanged"
    client.await_told("workspace/diagnostic/refresh")
    second = pull(first["resultId"])
    (other,) = (e for e in second["items"] if e["code"].startswith("bilingual"))
    (there,) = other["relatedInformation"]
    assert there["location"]["uri"].endswith("/README.zh.md")
    assert "publishDiagnostics" not in {
        m["method"].rpartition("/")[2] for m in client.heard
    }
    lazy = actions(client, uri, place(2, 0))
    assert all("edit" not in each for each in lazy)
    resolved = client.ask("codeAction/resolve", lazy[0])
    assert len(resolved["edit"]["changes"][uri]) == 1
    assert client.stop() == 0


def test_settings_are_followed_and_their_mistakes_shown(client: Client) -> None:
    settings = client.folder / "firstlight.toml"
    settings.write_text('[docs]\nignore = ["symbols"]\n')
    client.start()
    uri = client.open("README.md")
    assert client.findings(uri) == []
    settings.write_text(
        '[docs]\nroles = {"symbols.feeling" = "failure"}\ntargets = ["x"]\n'
    )
    changes = [{"uri": settings.as_uri(), "type": 2}]
    client.tell("workspace/didChangeWatchedFiles", changes=changes)
    (problem,) = client.findings(settings.as_uri())
    assert problem["range"]["start"] == {"line": 2, "character": 0}
    settings.write_text('[docs]\nroles = {"symbols.feeling" = "failure"}\n')
    client.tell("workspace/didChangeWatchedFiles", changes=changes)
    assert client.findings(settings.as_uri()) == []
    assert {each["severity"] for each in client.findings(uri, bool)} == {1}
    assert client.stop() == 0


def test_the_editor_may_say_where_pages_are_read(client: Client) -> None:
    client.start(options={"targets": ["jupyter"]})
    uri = client.open("new.md", "# A\n\n> [!WARNING]\n> Stop.\n")
    assert [each["code"] for each in client.findings(uri)] == ["notices.not-rendered"]
    client.tell("workspace/didChangeConfiguration", settings={})
    settings = {"firstlight": {"targets": ["github"]}}
    client.tell("workspace/didChangeConfiguration", settings=settings)
    assert client.findings(uri) == []
    assert client.stop() == 0


def test_notebooks_folders_and_files_from_elsewhere(
    client: Client, tmp_path: Path
) -> None:
    client.start(folders=())
    book = (client.folder / "a.ipynb").as_uri()
    cell = {"kind": 1, "document": "vscode-notebook-cell:/a#1"}
    text = {"languageId": "markdown", "version": 1, "text": "# A\n\n中 🎉 B"}
    client.tell(
        "notebookDocument/didOpen",
        notebookDocument={
            "uri": book,
            "notebookType": "jupyter-notebook",
            "version": 1,
            "cells": [cell],
        },
        cellTextDocuments=[{"uri": cell["document"], **text}],
    )
    (found,) = client.findings(cell["document"])
    assert found["range"] == place(2, 2, 4)
    change = {"range": place(2, 2, 5), "text": ""}
    document = {"uri": cell["document"], "version": 2}
    client.tell(
        "notebookDocument/didChange",
        notebookDocument={"uri": book, "version": 2},
        change={
            "cells": {"textContent": [{"document": document, "changes": [change]}]}
        },
    )
    assert client.findings(cell["document"]) == []
    uri = client.open("untitled:Untitled-1", "🎉 Hi\n")
    assert "symbols.feeling" in {each["code"] for each in client.findings(uri)}
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "firstlight.toml").write_text('[docs]\nignore = ["symbols"]\n')
    other = client.open((elsewhere / "a.md").as_uri(), "# A\n\n🎉 B\n")
    assert client.findings(other) == []
    folder = {"uri": elsewhere.as_uri(), "name": "elsewhere"}
    client.tell(
        "workspace/didChangeWorkspaceFolders", event={"added": [folder], "removed": []}
    )
    assert client.findings(other) == []
    assert client.stop() == 0


def test_a_terminal_is_told_what_to_do_instead(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    ended = subprocess.run(
        [sys.executable, "-m", "firstlight", "docs", "lsp"],
        stdin=theirs,
        capture_output=True,
        cwd=tmp_path,
        check=False,
    )
    os.close(ours)
    os.close(theirs)
    assert ended.returncode == 2
    assert b"firstlight docs lint" in ended.stderr


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "-m", "firstlight", "docs", "lsp", "--tcp", str(port)],
            capture_output=True,
            cwd=tmp_path,
            check=False,
        )
    assert ended.returncode == 2
    assert f"port {port} cannot be used".encode() in ended.stderr
