"""Every system call of the files of the program fails in turn, with every errno that it can give.

After each: it went on or raised its own error; nothing acknowledged is lost; what belongs to others
is as it was; without the fault the next start works. ``docs/faults.md`` is made by this file:
``python tests/alerts/storage/test_faults.py > docs/faults.md``, which tries all of them.
"""

import errno
import logging
import os
import random
import shutil
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from PySide6.QtWidgets import QApplication

sys.path.insert(0, str(Path(__file__).parents[2]))

from omnitray.alerts.storage.export import NotExported, export_alerts
from omnitray.alerts.storage.history import History
from omnitray.alerts.storage.query import AlertQuery
from omnitray.api.listener import open_listener
from omnitray.base.durable import StorageError
from omnitray.base.facts import Mode
from omnitray.base.paths import FolderError, FolderLock, Paths, UnsafeFolderError
from omnitray.client.discovery import (
    Address,
    read_address,
    remove_address,
    run_folders,
    write_address,
)
from omnitray.protector.actuators.journal import ActionJournal, Began
from omnitray.protector.model import ActuatorKind
from omnitray.runtime.instance import Instance
from omnitray.settings.faults import Problem
from omnitray.settings.file import load, save
from omnitray.settings.model import ApiSettings
from support.alerting import START, an_alert
from support.clock import FakeClock
from support.faults import Fault, failing, faults_of
from support.ram import Snapshot, ram_folder

LIVE = 4
MOST = sys.maxsize if os.environ.get("CI") else 120
OUTSIDE = "of somebody else"


class Scenario(NamedTuple):
    """``prepare`` fills a folder; ``run`` gives what was acknowledged; ``check`` looks after."""

    prepare: Callable[[Path], None]
    run: Callable[[Path], set[str]]
    check: Callable[[Path, set[str]], None]
    own_errors: tuple[type[Exception], ...]


def _history(folder: Path) -> History:
    report = logging.getLogger("faults").debug
    return History(folder / "alerts", FakeClock(), LIVE, report=report, is_alive=lambda _: False)


def _fill_history(folder: Path) -> None:
    history = _history(folder)
    for number in range(LIVE + 3):
        history.store(an_alert(number, at=START + number))
    history.close()
    (folder / "alerts" / ".new-999999999-1.tmp").write_bytes(b"left by a killed one")
    (folder / "alerts" / "notes.txt").write_text(OUTSIDE)
    (folder / "outside.json").write_text(OUTSIDE)
    (folder / "alerts" / "alert_1_CRITICAL.json").symlink_to(folder / "outside.json")


def _run_history(folder: Path) -> set[str]:
    acknowledged = set()
    history = _history(folder)
    for number in (20, 21, 5, 22):  # 5 has a file already
        alert = an_alert(number, at=START + number, count=2)
        try:
            history.store(alert)
        except StorageError:
            continue
        acknowledged.add(alert.id)
    history.query(AlertQuery(limit=3))
    history.refresh()
    history.close()
    return acknowledged


def _check_history(folder: Path, acknowledged: set[str]) -> None:
    history = _history(folder)
    found = {alert.id: alert.count for alert in history.query(AlertQuery())}
    before = {an_alert(number).id for number in range(LIVE + 3)}
    assert before | acknowledged <= set(found)
    assert all(found[each] == 2 for each in acknowledged)
    assert (folder / "alerts" / "notes.txt").read_text() == OUTSIDE
    assert (folder / "outside.json").read_text() == OUTSIDE
    assert (folder / "alerts" / "alert_1_CRITICAL.json").is_symlink()
    assert history.store(an_alert(40, at=START + 40)).exists()
    history.close()
    assert not (folder / "alerts" / ".new-999999999-1.tmp").exists()
    quarantine = folder / "alerts" / "quarantine"
    assert all(not each.stat().st_size for each in quarantine.glob("*"))  # a claimed name at most


CONFIG = '# mine\nmode = "dev"\nunknown = 5\n'


def _fill_settings(folder: Path) -> None:
    (folder / "config").mkdir()
    (folder / "dotfiles.toml").write_text(CONFIG)
    (folder / "config" / "config.toml").symlink_to(folder / "dotfiles.toml")


def _run_settings(folder: Path) -> set[str]:
    path = folder / "config" / "config.toml"
    saved = save(path, {"mode": "test"})
    return set() if isinstance(saved, Problem) or not saved.readable else {"test"}


def _check_settings(folder: Path, acknowledged: set[str]) -> None:
    path = folder / "config" / "config.toml"
    loaded = load(path)
    assert path.is_symlink()
    assert "# mine" in path.read_text()
    assert loaded.settings.mode in ({Mode.TEST} if acknowledged else {Mode.DEV, Mode.TEST})
    assert not isinstance(save(path, {"mode": "prod"}), Problem)
    assert load(path).settings.mode is Mode.PROD


def _address(token: str) -> Address:
    return Address(
        url="http://127.0.0.1:1", token=token, pid=os.getpid(), started="2100-01-01T00:00:00Z"
    )


def _fill_address(folder: Path) -> None:
    (folder / "run").mkdir(mode=0o700)


def _run_address(folder: Path) -> set[str]:
    path = folder / "run" / "api.json"
    write_address(path, _address("a"))
    read_address(path)
    remove_address(path, "a")
    write_address(path, _address("b"))
    return {"b"}


def _check_address(folder: Path, acknowledged: set[str]) -> None:
    path = folder / "run" / "api.json"
    found = read_address(path)
    assert not acknowledged or (found is not None and found.token in acknowledged)
    write_address(path, _address("c"))
    assert read_address(path) == _address("c")
    assert [each.name for each in path.parent.iterdir() if each.suffix != ".json"] == []


def _run_lock(folder: Path) -> set[str]:
    lock = FolderLock(folder)
    held = lock.acquire()
    lock.release()
    return {"held"} if held else set()


def _check_lock(folder: Path, _: set[str]) -> None:
    lock = FolderLock(folder)
    assert lock.acquire()
    assert not FolderLock(folder).acquire()
    lock.release()


def _began(number: int) -> Began:
    return Began(
        id=f"a{number}", at="2026-11-22T13:21:27.123Z", boot="b", job="j", title="t",
        step="pause", lever=ActuatorKind.NICE,
    )  # fmt: skip


def _fill_journal(folder: Path) -> None:
    journal = ActionJournal(folder / "data" / "actions.jsonl")
    journal.append(_began(0))
    journal.close()
    with (folder / "data" / "actions.jsonl").open("ab") as file:
        file.write(b'{"torn')


def _run_journal(folder: Path) -> set[str]:
    journal = ActionJournal(folder / "data" / "actions.jsonl", folder / "data" / "spare")
    journal.records()
    done = {f"a{number}" for number in (1, 2, 3) if journal.append(_began(number))}
    journal.records()
    journal.close()
    return done


def _check_journal(folder: Path, acknowledged: set[str]) -> None:
    journal = ActionJournal(folder / "data" / "actions.jsonl", folder / "data" / "spare")
    assert {"a0", *acknowledged} <= {record.began.id for record in journal.records()}
    assert journal.append(_began(9))
    assert "a9" in {record.began.id for record in journal.records()}
    journal.close()


def _run_export(folder: Path) -> set[str]:
    export_alerts([an_alert(1), an_alert(2)], folder / "out.jsonl")
    return {"all"}


def _fill_export(folder: Path) -> None:
    (folder / "out.jsonl").write_text("before\n")


def _check_export(folder: Path, acknowledged: set[str]) -> None:
    lines = (folder / "out.jsonl").read_text().splitlines()
    assert len(lines) == 2 or (lines == ["before"] and not acknowledged)
    assert [each.name for each in folder.iterdir()] == ["out.jsonl"]
    assert export_alerts([], folder / "out.jsonl") == 0


def _paths(folder: Path) -> Paths:
    return Paths(*(folder / "home" / name for name in ("config", "data", "state", "run")))


def _run_folders(folder: Path) -> set[str]:
    return set() if _paths(folder).create() else {"made"}


def _check_folders(folder: Path, acknowledged: set[str]) -> None:
    assert not acknowledged or _paths(folder).alerts.is_dir()
    assert _paths(folder).create() == ()


def _run_instance(folder: Path) -> set[str]:
    paths = _paths(folder)
    instance = Instance(paths, headless=True)
    try:
        held = instance.acquire()
        instance.listen()
        return {"tended"} if held and instance.tend() else set()
    finally:
        instance.release()


def _fill_instance(folder: Path) -> None:
    QApplication.instance() or QApplication([])  # what listens needs an event loop
    _paths(folder).create()


def _check_instance(folder: Path, acknowledged: set[str]) -> None:
    paths = _paths(folder)
    instance = Instance(paths, headless=True)
    assert instance.acquire()
    assert not Instance(paths, headless=True).acquire()
    instance.listen()
    assert instance.tend()
    instance.release()
    assert not acknowledged or run_folders(paths) == (paths.run,)


def _tls(folder: Path) -> ApiSettings:
    return ApiSettings(
        listen="0.0.0.0",  # noqa: S104 - what needs these files
        port=0,
        certificate=str(folder / "certificate.pem"),
        key=str(folder / "key.pem"),
    )


def _fill_tls(folder: Path) -> None:
    for name in ("certificate.pem", "key.pem"):
        (folder / name).write_text("-----BEGIN")


def _run_tls(folder: Path) -> set[str]:
    open_listener(_tls(folder)).socket.close()
    return {"open"}


def _check_tls(folder: Path, _: set[str]) -> None:
    open_listener(_tls(folder)).socket.close()
    assert (folder / "key.pem").read_text() == "-----BEGIN"


def _nothing(_: Path) -> None:
    """The scenario starts with an empty folder."""


SCENARIOS = {
    "history": Scenario(_fill_history, _run_history, _check_history, ()),
    "settings": Scenario(
        _fill_settings, _run_settings, _check_settings, (StorageError, FolderError)
    ),
    "api.json": Scenario(_fill_address, _run_address, _check_address, (OSError, StorageError)),
    "folder lock": Scenario(_nothing, _run_lock, _check_lock, (OSError,)),
    "instance": Scenario(
        _fill_instance, _run_instance, _check_instance, (OSError, FolderError, UnsafeFolderError)
    ),
    "TLS files": Scenario(_fill_tls, _run_tls, _check_tls, (OSError,)),
    "journal": Scenario(_fill_journal, _run_journal, _check_journal, ()),
    "export": Scenario(_fill_export, _run_export, _check_export, (NotExported,)),
    "folders": Scenario(
        _nothing, _run_folders, _check_folders, (FolderError, UnsafeFolderError, OSError)
    ),
}


PARTS = dict.fromkeys(SCENARIOS, 1) | {"history": 12, "settings": 4, "folders": 2}
# Scenarios with many or slow cases are cut: a slice takes a few seconds.
SLICES = [(name, part, parts) for name, parts in PARTS.items() for part in range(parts)]


def outcome(scenario: Scenario, start: Snapshot, folder: Path, fault: Fault) -> str:
    """What came of it; raises AssertionError for what must not."""
    start.restore(folder)
    acknowledged: set[str] = set()
    try:
        with failing(folder, fault):
            acknowledged = scenario.run(folder)
    except scenario.own_errors as error:
        sentence = str(error)
    else:
        sentence = "" if acknowledged else "it says so by what it answers"
    scenario.check(folder, acknowledged)
    return "refused" if sentence else "went on"


def _start_of(scenario: Scenario, folder: Path) -> Snapshot:
    template = folder / "template"
    template.mkdir()
    scenario.prepare(template)
    return Snapshot.of(template)


def cases(
    name: str, folder: Path, most: int = sys.maxsize, part: int = 0, parts: int = 1
) -> Iterator[tuple[Fault, str]]:
    """Faults of a scenario, all or a seeded sample, and what came of each of this part."""
    scenario = SCENARIOS[name]
    start = _start_of(scenario, folder)
    start.restore(folder / "counted")
    with failing(folder / "counted", None) as counts:
        scenario.run(folder / "counted")
    faults = list(faults_of(counts))
    if len(faults) > most:
        faults = random.Random(name).sample(faults, most)  # noqa: S311 - a repeatable sample
    for number, fault in enumerate(faults[part::parts]):
        place = folder / f"case{number}"
        try:
            yield fault, outcome(scenario, start, place, fault)
        except Exception as error:
            raise AssertionError(f"{name}: {fault}: {error!r}") from error
        shutil.rmtree(place)


@pytest.fixture
def quiet() -> Iterator[None]:
    """What is logged of hundreds of faults is not looked at."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize(("name", "part", "parts"), SLICES)
def test_every_call_may_fail(name: str, part: int, parts: int, quiet: None) -> None:
    del quiet
    with ram_folder() as folder:
        seen = Counter(said for _, said in cases(name, folder, MOST, part, parts))
    assert seen.total() >= 50 / parts


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_disk_that_stays_full_is_said(name: str, quiet: None) -> None:
    del quiet
    # A start without a lock asks the port who runs, and goes on.
    expected = "went on" if name == "instance" else "refused"
    scenario = SCENARIOS[name]
    with ram_folder() as folder:
        start = _start_of(scenario, folder)
        fault = Fault("open", 0, errno.ENOSPC, lasting=True)
        assert outcome(scenario, start, folder / "case", fault) == expected


HEAD = """# Injected faults

Every system call that the program's files cost fails in turn, once and for good, with every errno
that it can give (`tests/support/faults.py`). A cell has the number of cases that *went on* / were
*refused* with one sentence. After each case nothing acknowledged is lost, what belongs to others is
as it was, no temporary file is left for good, and the next start works: a case that fails that
fails the test. Made by `python tests/alerts/storage/test_faults.py > docs/faults.md`.
"""


def table() -> str:
    """Calls x errnos x outcome, for the documentation."""
    lines = [HEAD]
    for name in SCENARIOS:
        found: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
        with ram_folder() as folder:
            for fault, said in cases(name, folder):
                found[fault.name][errno.errorcode[fault.number]][said] += 1
        lines += [
            f"## {name[0].upper()}{name[1:]}\n",
            "| call | errno: went on / refused |",
            "|---|---|",
        ]
        for call, errnos in found.items():
            cells = [f"{each} {n['went on']} / {n['refused']}" for each, n in errnos.items()]
            lines.append(f"| `{call}` | {', '.join(cells)} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    logging.disable()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    sys.stdout.write(table())
