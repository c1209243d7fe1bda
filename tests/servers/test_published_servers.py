"""Servers that test runs publish: their files, and how the program shows them."""

import os
from concurrent.futures import Future
from pathlib import Path

import msgspec
import pytest
from pytestqt.qtbot import QtBot

from omnitray.api import facade
from omnitray.base.facts import ProcessIdentity
from omnitray.servers.model import ServerState, ServerView
from omnitray.servers.processes import child
from omnitray.servers.published import (
    Borrowing,
    BorrowingNote,
    Publication,
    borrowings,
    published,
)
from omnitray.settings.servers import ServerSettings
from support.hub_program import Program

GONE = ProcessIdentity(pid=os.getpid(), start_ticks=1)  # the pid of before, another process now


def view(state: ServerState = ServerState.UP, pid: int | None = 7) -> ServerView:
    spec = ServerSettings(name="shop-tests", command=("serve",), env={"TOKEN": "secret"})
    return ServerView(name="shop-tests", state=state, owner="pytest", spec=spec, pid=pid)


def test_a_server_is_published_without_its_environment_and_withdrawn(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "servers"
    assert published(folder) == ()
    mine = Publication(folder, child(os.getpid()))
    mine.publish(view())
    (found,) = published(folder)
    assert (found.view.name, found.view.pid, found.view.spec.env) == ("shop-tests", 7, {})
    assert b"secret" not in next(folder.iterdir()).read_bytes()
    mine.withdraw()
    mine.withdraw()
    assert published(folder) == ()
    assert list(folder.iterdir()) == []


def test_files_of_leaders_that_are_gone_are_removed(tmp_path: Path) -> None:
    folder = tmp_path / "servers"
    Publication(folder, GONE).publish(view())
    assert published(folder) == ()
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("kind", ["garbage", "fifo", "folder", "link", "huge", "other name"])
def test_what_is_no_publication_is_left_out(tmp_path: Path, kind: str) -> None:
    mine = Publication(tmp_path, child(os.getpid()))
    mine.publish(view())
    odd = tmp_path / "1.json"
    match kind:
        case "garbage":
            odd.write_text("{")
        case "fifo":
            os.mkfifo(odd)
        case "folder":
            odd.mkdir()
        case "link":
            odd.symlink_to(tmp_path / f"{os.getpid()}.json")
        case "huge":
            odd.write_text(" " * 1_000_001)
        case _:
            odd.write_bytes((tmp_path / f"{os.getpid()}.json").read_bytes())
    assert [each.view.name for each in published(tmp_path)] == ["shop-tests"]


def test_the_program_shows_it_while_the_run_lasts(
    program: Program, tmp_path: Path, qtbot: QtBot
) -> None:
    servers = program.door._servers
    seen: list[ServerView] = []
    servers.changed.connect(seen.append)
    servers.start()
    assert program.door.servers() == ()
    mine = Publication(tmp_path / "servers", child(os.getpid()))
    mine.publish(view())
    qtbot.waitUntil(lambda: len(program.door.servers()) == 1)
    assert seen == list(program.door.servers())
    identified = msgspec.structs.replace(view(), identity=child(os.getpid()))
    mine.publish(identified)
    qtbot.waitUntil(lambda: len(seen) == 2)
    assert servers.identities() == (child(os.getpid()),)  # the protector knows it
    (tmp_path / "shop-tests.log").write_text("one\ntwo\n")
    logged = msgspec.structs.replace(view(), log_file=str(tmp_path / "shop-tests.log"))
    mine.publish(logged)
    qtbot.waitUntil(lambda: servers.log_tail("shop-tests", 1) == ("two",))
    mine.withdraw()
    qtbot.waitUntil(lambda: program.door.servers() == ())


def test_it_can_be_restarted_and_nothing_else(program: Program, tmp_path: Path) -> None:
    mine = Publication(tmp_path / "servers", child(os.getpid()))
    mine.publish(view())  # the program comes when the run goes on
    servers = program.door._servers
    servers.start()
    asked: Future[ServerView] = servers.order("shop-tests", "restart")
    assert asked.result(0).name == "shop-tests"
    assert mine.take_restart()
    assert not mine.take_restart()
    for verb in ("start", "stop"):
        with pytest.raises(facade.CommandRefused, match="A test run owns shop-tests"):
            servers.order("shop-tests", verb)


def test_a_run_that_was_killed_leaves_nothing_in_the_list(
    program: Program, tmp_path: Path, qtbot: QtBot
) -> None:
    servers = program.door._servers
    mine = Publication(tmp_path / "servers", child(os.getpid()))
    mine.publish(view())
    servers.start()
    assert len(servers.views()) == 1
    # As a killed leader leaves it: the file stands, and no such process lives.
    file = next((tmp_path / "servers").glob("*.json"))
    file.write_bytes(file.read_bytes().replace(b'"start_ticks":', b'"start_ticks":1'))
    qtbot.waitUntil(lambda: servers.views() == ())


def test_a_run_that_borrows_a_server_notes_its_tests(tmp_path: Path) -> None:
    folder = tmp_path / "servers"
    note = BorrowingNote(folder, child(os.getpid()))
    one = Borrowing(leader=child(os.getpid()), server="api", run="3", project="/shop")
    note.write(msgspec.structs.replace(one, running=("test_shop.py::test_with_a_long_name",)))
    note.write(msgspec.structs.replace(one, last="t"))  # shorter: what stood behind it is blank
    (found,) = borrowings(folder, "api")
    assert (found.running, found.last) == ((), "t")
    assert borrowings(folder, "web") == ()
    note.close()
    assert list(folder.iterdir()) == []


def test_the_note_of_a_run_that_was_killed_is_removed(tmp_path: Path) -> None:
    BorrowingNote(tmp_path / "servers", GONE).write(
        Borrowing(leader=GONE, server="api", run="3", project="/shop")
    )
    assert borrowings(tmp_path / "servers", "api") == ()
    assert list((tmp_path / "servers").iterdir()) == []
