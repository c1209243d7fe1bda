"""Names and titles come from other programs: whatever they hold, they are text on one line."""

import re

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from omnitray.base.facts import AlertType, JobKind, Severity
from omnitray.protector.view import HeldAction, QuestionView
from omnitray.ui.pages.processes.page import ProcessesPage
from omnitray.ui.pages.registry import PAGES
from omnitray.ui.theme import Theme
from omnitray.ui.widgets.cells import CELL
from omnitray.ui.widgets.labels import LinkedParagraph
from omnitray.ui.window import MainWindow
from support import samples
from support.clock import FakeClock
from support.pages import built
from support.samples import NOW, ListedAlerts
from support.shown import plain

HOSTILE = {
    "markup": "<b>bold</b><img src='http://example.invalid/x.png'><script>alert(1)</script>",
    "lines": "first\nsecond\r\nthird\x0bfourth\u2028fifth",
    "escape": "\x1b[2J\x07\x00bell",
    "override": "photo\u202egpj.exe",
    "right to left": "خادم الويب متوقف عن العمل " * 40,
    "long": "x" * 10_000,
    "wide": "🧨" * 3000,
    "nothing": "",
    "ampersand": "&&&File &Edit",
    "lone surrogate": "bad \ud800 end",
}


def hostile_window(qtbot: QtBot, text: str) -> MainWindow:
    job = samples.job(text, text, JobKind.COMMAND, 100, 3, 50.0, 1e9)
    alert = samples.alert(
        1,
        5,
        AlertType.CRITICAL,
        Severity.CRITICAL,
        "t",
        "m",
        "firing",
        context={"culprits": [{"job": "j", "cpu": 1.0, "rss_bytes": 5}], "k": "v"},
    )
    context = {"culprits": [{"job": text, "cpu": "?", "rss_bytes": None}, text], text[:50]: text}
    alert = msgspec.structs.replace(
        alert, title=text, message=text, source=text, context={**context, "actions": [text]}
    )
    view = samples.protection()
    held = HeldAction(
        action_id=text, job_key=text, title=text, grip=view.held[0].grip, since=NOW, why=text
    )
    explanation = msgspec.structs.replace(view.explanations[0], title=text, text=text)
    window = MainWindow(
        ListedAlerts([alert]), clock=FakeClock(wall=NOW), theme=Theme(Qt.ColorScheme.Light)
    )
    qtbot.addWidget(window)
    window.set_history(samples.snapshots(20))
    window.set_alert_history([alert])
    window.show_status(samples.status(open_alerts=(alert,), holding=(text,), problems=(text,)))
    window.show_jobs((job,))
    window.show_actions(
        msgspec.structs.replace(view, held=(held,), explanations=(explanation,), neighbours=(text,))
    )
    window.show_question(QuestionView(id="q", job_key=text, title=text, text=text, unanswered=text))
    window.show_banner(text)
    return window


def says_no_more(label: QLabel) -> bool:
    """Whether markup adds nothing to the text but that its addresses can be clicked."""
    document = QTextDocument()
    document.setHtml(label.text())
    ours = (
        r'<a href="[^"]*" style="color: #\w{6}">|</a>|<span style="white-space: pre-wrap">|</span>'
    )
    bare = re.sub(ours, "", label.text())
    same = "".join(plain(document.toPlainText()).split()) == "".join(label.accessibleName().split())
    return isinstance(label, LinkedParagraph) and "<" not in bare and same


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_names_are_shown_as_plain_text_within_the_window(qtbot: QtBot, text: str) -> None:
    window = hostile_window(qtbot, text)
    with qtbot.waitExposed(window):
        window.show()
    for page in PAGES:
        window.show_page(page.name)
        qtbot.wait(5)
        window.grab()
        for label in window.findChildren(QLabel):
            assert label.textFormat() == Qt.TextFormat.PlainText or says_no_more(label)
            assert not any(mark in label.text() for mark in "\u202e\x00\x1b\x07\x0b")
    assert window.width() <= 960
    assert window.height() <= 800


def test_a_hostile_name_stays_one_line_in_the_lists(qtbot: QtBot) -> None:
    window = hostile_window(qtbot, HOSTILE["lines"])
    window.show_page("processes")
    processes = built(window, ProcessesPage)
    cell = processes.model.index(0, 0).data(CELL)
    assert cell.text == "first second third fourth fifth"


def test_a_question_about_ending_shows_a_hostile_name_as_text(qtbot: QtBot) -> None:
    window = hostile_window(qtbot, HOSTILE["markup"])
    window.show()
    window.show_page("processes")
    processes = built(window, ProcessesPage)
    processes.view.setCurrentIndex(processes.model.index(0, 0))
    processes.end.click()
    assert processes.question is not None
    assert processes.question.textFormat() == Qt.TextFormat.PlainText
    assert processes.question.text().startswith("End <b>bold</b>")
    for each in processes.question.findChildren(QLabel):
        assert each.textFormat() != Qt.TextFormat.RichText
