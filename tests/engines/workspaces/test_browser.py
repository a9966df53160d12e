"""A real browser at the printed address: a notebook, a cell with torch, its output."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from workspaces.desk import Desk

ARTEFACTS = Path(__file__).parents[3] / "artefacts"
FLAGS = (
    "--no-sandbox",  # Root may not use Chromium's own; nothing but our page is opened.
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
CODE = "import torch; print(torch.__version__, torch.arange(6).reshape(2, 3).tolist())"
OUTPUT = "2.13.0+cpu [[0, 1, 2], [3, 4, 5]]"


@pytest.fixture(scope="module")
def page(need: Callable[[str], str], network: None) -> Iterator[Page]:
    """A page of the distribution's Chromium, in the tests' own network."""
    program = need("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield browser.new_page(viewport={"width": 1280, "height": 800})
        browser.close()


def test_a_person_makes_a_notebook_and_runs_a_cell(page: Page, person: Desk) -> None:
    address = person.up()["jupyter"]
    try:
        page.goto(address, timeout=60_000)
        card = page.locator(".jp-LauncherCard[data-category=Notebook]").first
        card.click(timeout=60_000)
        cell = page.locator(".jp-Notebook .jp-CodeCell .cm-content").first
        expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible(
            timeout=60_000
        )
        cell.click(timeout=60_000)
        cell.press_sequentially(CODE)
        expect(cell).to_contain_text(CODE)
        page.keyboard.press("Shift+Enter")
        output = page.locator(".jp-OutputArea-output", has_text=OUTPUT)
        expect(output).to_be_visible(timeout=60_000)
        ARTEFACTS.mkdir(exist_ok=True)
        page.screenshot(path=ARTEFACTS / "jupyterlab.png")
        assert (ARTEFACTS / "jupyterlab.png").stat().st_size > 20_000
    finally:
        person.run("down")


def test_a_stranger_is_asked_for_the_token(page: Page, person: Desk) -> None:
    address = person.up()["jupyter"]
    try:
        page.context.clear_cookies()
        page.goto(address.partition("?")[0], timeout=60_000)
        expect(page.locator("#password_input")).to_be_visible()
        expect(page.locator(".jp-LauncherCard")).to_have_count(0)
    finally:
        person.run("down")
