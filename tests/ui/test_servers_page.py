"""The page of watched servers."""

import tomllib
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QAbstractButton, QMenu
from pytestqt.qtbot import QtBot

from omnitray.api.status import Status
from omnitray.servers.model import Owner, ServerState, ServerView
from omnitray.settings.servers import server_of_table
from omnitray.ui.pages.servers.declare import IN_SETTINGS, AddServer
from omnitray.ui.pages.servers.page import ServersPage
from omnitray.ui.pages.servers.text import PILLS, ServerColumn
from omnitray.ui.tray.menu import tooltip
from support import server_samples
from support.pages import page_context

Build = Callable[..., ServersPage]


@pytest.fixture
def build(qtbot: QtBot) -> Build:
    def made(*views: ServerView) -> ServersPage:
        context = msgspec.structs.replace(page_context(), server_log=server_samples.server_log)
        page = ServersPage(context)
        qtbot.addWidget(page)
        page.resize(900, 600)
        context.facts.servers = views
        page.show_servers()
        page.show()
        return page

    return made


def words(page: ServersPage, name: str) -> list[str]:
    row = page.model.row_of(name)
    return [page.model.index(row, column).data() for column in range(len(ServerColumn))]


def test_each_server_stands_with_state_address_times_and_last_exit(build: Build) -> None:
    page = build(*server_samples.servers())
    assert words(page, "api") == [
        "api 127.0.0.1:8000",
        "up for 2 min, from settings",
        "13:59:57",
        "12 s (usually 9 s)",
        "1",
        "exit 137 killed for memory by the kernel",
    ]
    assert words(page, "web")[1] == "starting 6 s of at most 90 s"
    assert words(page, "db")[1] == "down watch only · no answer"
    assert words(page, "worker")[1] == "crash loop left stopped after repeated failures"
    assert words(page, "admin")[1] == "port taken by nginx (process 812)"
    assert words(page, "admin")[2:4] == ["–", "never started"]


def test_every_state_has_a_word_and_a_shape() -> None:
    assert set(PILLS) == set(ServerState)
    assert len({(pill.word, pill.glyph) for pill in PILLS.values()}) == len(ServerState)


@pytest.mark.parametrize(
    ("state", "enabled"),
    [
        (ServerState.UP, (False, True, True)),
        (ServerState.STOPPED, (True, False, False)),
        (ServerState.CRASH_LOOP, (True, True, True)),
        (ServerState.FOREIGN, (False, True, True)),
    ],
)
def test_buttons_ask_for_what_can_be_done(
    build: Build, state: ServerState, enabled: tuple[bool, ...]
) -> None:
    page = build(server_samples.server("api", state, 8000))
    detail = page.detail
    buttons = (detail.start, detail.stop, detail.restart)
    assert tuple(each.isEnabled() for each in buttons) == enabled
    asked = QSignalSpy(page.context.intents.server_requested)
    for each in buttons:
        each.click()
    verbs = [verb for verb, on in zip(("start", "stop", "restart"), enabled, strict=True) if on]
    assert [asked.at(number) for number in range(asked.count())] == [["api", v] for v in verbs]


def test_a_watch_only_server_has_no_buttons_but_that(build: Build) -> None:
    page = build(server_samples.server("db", ServerState.UP, 5432, watch_only=True))
    detail = page.detail
    assert not any(each.isEnabled() for each in (detail.start, detail.stop, detail.restart))
    assert detail.watch_only.isChecked()
    asked = QSignalSpy(page.context.intents.server_declared)
    detail.watch_only.click()
    assert asked.at(0) == [{"name": "db", "watch_only": False}]


@pytest.mark.parametrize(
    ("owner", "state", "word", "may"),
    [
        ("serve", ServerState.UP, "Stop and remove", True),
        ("serve", ServerState.STOPPED, "Remove", True),
        ("settings", ServerState.STOPPED, "Remove", False),
    ],
)
def test_the_menu_of_a_row_removes_what_a_terminal_has_made(
    build: Build, owner: Owner, state: ServerState, word: str, *, may: bool
) -> None:
    view = msgspec.structs.replace(server_samples.server("web", state, 8000), owner=owner)
    page = build(view)
    menu = QMenu()
    page.view.menu_wanted.emit(menu)
    (remove,) = [each for each in menu.actions() if each.text() == word]
    assert remove.isEnabled() is may
    assert may or "config.toml" in remove.toolTip()
    asked = QSignalSpy(page.context.intents.server_requested)
    remove.trigger()
    assert asked.count() == int(may)
    assert not may or asked.at(0) == ["web", "remove"]


def test_an_address_can_be_clicked(build: Build) -> None:
    page = build(*server_samples.servers())
    asked = QSignalSpy(page.context.intents.url_requested)
    box = page.view.visualRect(page.model.index(0, 0))
    spot = QPoint(box.left() + 20, box.bottom() - 8)
    QTest.mouseClick(page.view.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    assert asked.at(0) == ["http://127.0.0.1:8000"]
    page.detail.address.click()
    assert asked.count() == 2


def test_the_log_is_shown_searched_and_followed(build: Build) -> None:
    page = build(*server_samples.servers())
    log = page.detail.log
    assert log.text.toPlainText() == server_samples.LOG
    log.search.setText("cart")
    assert len(log.matches()) == 2
    log.forth.click()
    assert log.found.text() == "1 of 2"
    log.forth.click()
    assert log.found.text() == "2 of 2"
    log.forth.click()
    assert log.found.text() == "1 of 2"
    log.back.click()
    assert log.found.text() == "2 of 2"
    assert not log.follow.isChecked()
    log.search.setText("nowhere")
    assert log.found.text() == "none"
    page.select("web")
    assert log.text.toPlainText() == ""


def test_the_list_is_filtered_and_keeps_the_choice(build: Build) -> None:
    page = build(*server_samples.servers())
    page.select("worker")
    page.states.show_value("trouble")
    page.states.chosen.emit("trouble")
    assert page.model.rowCount() == 3
    assert page.detail.name == "worker"
    page.field.setText("nginx-nowhere")
    assert page.none_fit.isVisible()
    assert not page.detail.isVisible()
    page.states.show_value("")
    page.field.setText("5173")
    assert page.detail.name == "web"


def test_without_a_server_the_ways_to_declare_one_can_be_copied(build: Build) -> None:
    page = build()
    assert page.empty.isVisible()
    copies = [
        each
        for each in page.empty.findChildren(QAbstractButton)
        if each.accessibleName().startswith("Copy")
    ]
    assert len(copies) == 3
    copies[0].click()
    assert QGuiApplication.clipboard().text() == IN_SETTINGS
    (table,) = tomllib.loads(IN_SETTINGS)["server"]
    assert server_of_table(table).name == "api"


def test_the_form_writes_what_the_settings_hold(qtbot: QtBot) -> None:
    form = AddServer()
    qtbot.addWidget(form)
    saved = QSignalSpy(form.declared)
    save = form.save
    save.click()
    assert saved.count() == 0
    assert "name" in form.fault.text()
    form.name.setText("api")
    form.command.setText("uvicorn 'my app:app'")
    form.cwd.setText("~/shop")
    form.health.setText("pg_isready -q")
    form.autostart.setChecked(True)
    save.click()
    expected: dict[str, Any] = {
        "name": "api",
        "command": ["uvicorn", "my app:app"],
        "cwd": "~/shop",
        "health": {"command": ["pg_isready", "-q"]},
        "autostart": True,
    }
    assert saved.at(0) == [expected]


def test_the_tooltip_has_a_line_when_a_server_is_down() -> None:
    assert len(tooltip(Status()).splitlines()) == 2
    down = Status(servers=("api is down", "web finds its port taken"))
    assert tooltip(down).splitlines()[2] == "Servers: api is down, web finds its port taken"


def test_hostile_words_are_text(build: Build) -> None:
    evil = "<b>x</b>\nnewline\u202e"
    page = build(server_samples.server("api", ServerState.FOREIGN, 8000, detail=evil))
    assert "\n" not in words(page, "api")[1]
