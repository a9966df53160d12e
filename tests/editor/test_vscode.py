"""The extension for VS Code: what of it can be checked without that."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from firstlight import __version__
from firstlight.editor.actions import FIX_ALL
from firstlight.lint.rule import TARGETS
from firstlight.signs import SIGNS

EDITORS = Path(__file__).resolve().parents[2] / "editors"
EXTENSION = EDITORS / "vscode"
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(NODE is None, reason="there is no node here")


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of node modules with the renderer that VS Code's preview uses."""
    folder = tmp_path_factory.mktemp("node")
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("there is no npm here")
    options = ("--no-save", "--no-audit", "--no-fund", "--prefer-offline")
    done = subprocess.run(
        [npm, "install", *options, "markdown-it"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"markdown-it cannot be installed: {done.stderr[-200:]}")
    return folder / "node_modules"


def rendered(modules: Path, *pages: str) -> dict[str, Any]:
    """Return the HTML of pages, and the signs that the extension knows."""
    done = subprocess.run(
        [
            "node",
            str(Path(__file__).with_name("render.js")),
            str(EXTENSION / "alerts.js"),
        ],
        input=json.dumps(pages),
        env={**os.environ, "NODE_PATH": str(modules)},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_manifest_fits_the_program() -> None:
    manifest = json.loads((EXTENSION / "package.json").read_text())
    assert manifest["version"] == __version__
    options = manifest["contributes"]["configuration"]["properties"]
    assert set(options["firstlight.targets"]["items"]["enum"]) == set(TARGETS)
    named = [manifest["main"], *manifest["contributes"]["markdown.previewStyles"]]
    assert all((EXTENSION / name).is_file() for name in named)
    for readme in ("README.md", "README.zh.md"):
        assert FIX_ALL in (EDITORS / readme).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["alerts.js", "extension.js"])
def test_the_scripts_are_scripts(name: str) -> None:
    subprocess.run(["node", "--check", str(EXTENSION / name)], check=True)


def test_alerts_are_those_of_the_grammar(modules: Path) -> None:
    signs = rendered(modules)["signs"]
    expected = {
        sign.alert.lower(): [sign.symbol, sign.english, sign.chinese]
        for sign in SIGNS.values()
        if sign.alert
    }
    assert signs == expected


def test_alerts_show_symbol_and_word_in_the_language_of_the_page(
    modules: Path,
) -> None:
    english, chinese = rendered(
        modules,
        "> [!WARNING]\n> Stop `it`.\n",
        "> [!caution]\n>\n> - 请勿删除数据\n",
    )["html"]
    assert english == (
        '<div class="markdown-alert markdown-alert-warning" role="note">\n'
        '<p class="markdown-alert-title">'
        '<span aria-hidden="true">⚠️</span> Warning</p>\n'
        "<p>Stop <code>it</code>.</p>\n</div>\n"
    )
    assert "markdown-alert-caution" in chinese
    assert "🔴</span> 危险</p>\n<ul>\n<li>请勿删除数据</li>" in chinese


def test_what_github_shows_as_a_quote_stays_one(modules: Path) -> None:
    pages = (
        "> [!TIP]\n",
        "> [!TIP] Title\n> text\n",
        "> [!HINT]\n> text\n",
        "- > [!NOTE]\n  > text\n",
        "> quote\n>\n> > [!NOTE]\n> > text\n",
    )
    for html in rendered(modules, *pages)["html"]:
        assert "markdown-alert" not in html
        assert "[!" in html
