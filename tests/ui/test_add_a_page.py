"""The recipe "Add a page" of CONTRIBUTING, followed to the letter."""

import re
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QSignalSpy
from PySide6.QtWidgets import QAbstractButton, QLabel
from pytestqt.qtbot import QtBot

import omnitray.ui.pages
from omnitray.ui.pages import registry
from omnitray.ui.pages.registry import PageEntry
from omnitray.ui.window import MainWindow
from support import samples
from support.keys import CTRL, click, press

GUIDE = Path(__file__).resolve().parents[2] / ".github" / "CONTRIBUTING.md"


def code_of_the_recipe() -> tuple[str, str]:
    """The page's file and the line of the registry, as the guide prints them."""
    recipe = GUIDE.read_text(encoding="utf-8").split("## Add a page", 1)[1].split("\n## ", 1)[0]
    file, line = re.findall(r"```python\n(.*?)```", recipe, flags=re.DOTALL)
    return re.sub(r"^ {3}", "", file, flags=re.MULTILINE), line


def test_a_page_is_one_file_and_one_line(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, line = code_of_the_recipe()
    (tmp_path / "count.py").write_text(file, encoding="utf-8")
    monkeypatch.setattr(omnitray.ui.pages, "__path__", [*omnitray.ui.pages.__path__, str(tmp_path)])
    (entry,) = eval(f"({line.strip()})", {"PageEntry": PageEntry})  # noqa: S307 - of our own guide
    others = registry.PAGES[:4]  # with nine of them the next one has no number any more
    window = MainWindow(samples.ListedAlerts(), pages=(*others, entry))
    qtbot.addWidget(window)
    window.show_now()
    qtbot.waitUntil(window.isActiveWindow)
    window.show_jobs(samples.jobs())
    press(window, Qt.Key(Qt.Key.Key_1 + len(others)), CTRL)
    assert window.page == "count"
    page = window.pages.page
    assert page is not None
    assert page.findChildren(QLabel)[0].text() == f"{len(samples.jobs())} jobs"
    assert "Count" in [each.text() for each in window.sidebar.findChildren(QAbstractButton)]
    asked = QSignalSpy(window.intents.undo_all_requested)
    click(page.findChildren(QAbstractButton)[0])
    assert asked.count() == 1
