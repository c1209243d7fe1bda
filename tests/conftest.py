"""Anything unexpected fails the test: a warning, a log record, a Qt message, a leak, a skip in CI.

- Log records from WARNING up fail the test unless it said so: ``@pytest.mark.expect_log("regex")``
  or ``expect_log("regex")`` through the fixture. What is expected must come.
- Threads and child processes that outlive the test fail it. Fixtures of a wider scope may keep
  theirs; they are started before the watch begins.
- With ``CI`` set a skip is a failure: a missing tool must not look like a pass.
"""

import gc
import logging
import os
import sys
from collections.abc import Callable, Generator, Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from support.spread import FileByFile, is_slow, rank, read_ahead, sendable
from support.surprises import (
    LogWatch,
    RunLimit,
    describe_process,
    end_process,
    end_qt_threads,
    left_over,
    running_children,
    running_threads,
    take_ctrl_c,
)

pytest_plugins = ["pytester"]

_GARBAGE = 50_000  # new objects: a whole round after each test would cost more than most tests
IN_CI = bool(os.environ.get("CI"))

_RUN_LIMIT_S = 3000.0  # five times what a run takes on two quiet processors

_FAILED = pytest.StashKey[bool]()

_HERE = Path(__file__).parent
_APART = ("dashboard", "fleet")  # these need programs that are not installed for the others
# Qt's offscreen platform says each time what it lacks.
_OFFSCREEN_FOLDERS = ("runtime", "ui")
_OFFSCREEN_MESSAGES = (
    "This plugin does not support (propagateSizeHints|raise)",
    r"No such signal QPlatformNativeInterface::systemTrayWindowChanged",
    "This plugin does not support grabbing the keyboard",
)

# Before any Qt import: unit tests need no display. End-to-end tests set their own.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

# Compiled modules are kept, whatever the surroundings say: a program that the tests start would
# compile itself each time, and each worker all test files.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

take_ctrl_c()

settings.register_profile("dev", max_examples=50, deadline=None)
settings.register_profile(
    "ci", max_examples=200, deadline=None, derandomize=True, database=None, print_blob=True
)
settings.load_profile("ci" if IN_CI else "dev")


@pytest.fixture(scope="session", autouse=True)
def _collector() -> Iterator[None]:
    """The cycle collector runs between tests, on the main thread, as in the program itself.

    On a test's worker thread it would destroy Qt objects there, and Qt crashes or hangs.
    """
    gc.disable()
    yield
    gc.enable()


def pytest_runtest_logfinish() -> None:
    gc.disable()  # a test of the program's collector gives Python its own back
    if gc.get_count()[0] > _GARBAGE:
        gc.collect()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "expect_log(*patterns): WARNING+ log records this test must cause"
    )
    if getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(RunLimit(_RUN_LIMIT_S))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    folders = tuple(_HERE / name for name in _OFFSCREEN_FOLDERS)
    for item in items:
        if any(item.path.is_relative_to(folder) for folder in folders):
            item.add_marker(pytest.mark.qt_log_ignore(*_OFFSCREEN_MESSAGES))
        if is_slow(item.path.relative_to(_HERE)):
            item.add_marker(pytest.mark.slow)
    if os.environ.get("PYTEST_XDIST_WORKER"):
        items.sort(key=lambda item: rank(item.path.relative_to(_HERE).parts[0]))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Refuse values in no order: each worker would collect other tests than the next one."""
    for mark in metafunc.definition.iter_markers("parametrize"):
        values = mark.kwargs.get("argvalues", mark.args[1] if len(mark.args) > 1 else ())
        if isinstance(values, AbstractSet):
            raise pytest.UsageError(f"{metafunc.definition.nodeid}: sort the set of its parameters")


def pytest_collection(session: pytest.Session) -> None:
    all_tests = session.config.args_source is pytest.Config.ArgsSource.TESTPATHS
    if all_tests and os.environ.get("PYTEST_XDIST_WORKER"):
        apart = {file for folder in _APART for file in (_HERE / folder).iterdir()}
        read_ahead(session, sorted({*_HERE.rglob("test_*.py")} - apart))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FileByFile:
    return FileByFile(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    return sendable((yield))


@pytest.fixture(scope="session", autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """No test touches the person's own files by forgetting to say where."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("home")
        patch.setenv("OMNITRAY_HOME", str(folder))
        yield folder


@pytest.fixture
def _log_watch(request: pytest.FixtureRequest) -> Iterator[LogWatch]:
    watch = LogWatch()
    for marker in request.node.iter_markers("expect_log"):
        watch.expect(*marker.args)
    logging.getLogger().addHandler(watch)
    yield watch
    logging.getLogger().removeHandler(watch)
    if complaint := watch.complaint():
        pytest.fail(complaint, pytrace=False)


@pytest.fixture
def expect_log(_log_watch: LogWatch) -> Callable[..., None]:
    """``expect_log("regex", …)``: these WARNING+ records must come and are no surprise."""
    return _log_watch.expect


@pytest.fixture(autouse=True)
def _no_surprises(_log_watch: LogWatch) -> Iterator[None]:
    threads, children = running_threads(), running_children()
    yield
    if leaked_children := left_over(children, running_children):
        names = [describe_process(pid) for pid in leaked_children]
        for pid in leaked_children:
            end_process(pid)
        pytest.fail(f"left child processes running: {names}", pytrace=False)
    if leaked_threads := left_over(threads, running_threads):
        names = [each.name for each in leaked_threads]
        pytest.fail(f"left threads running: {names}", pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    item.stash[_FAILED] = report.failed or item.stash.get(_FAILED, False)
    if item.stash[_FAILED] and report.when == "teardown":
        end_qt_threads()
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {_reason(report.longrepr)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if IN_CI and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {_reason(report.longrepr)}"
    return report


def _reason(longrepr: object) -> str:
    return str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr)
