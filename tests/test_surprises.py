"""The watch over every test: each kind of surprise really fails."""

import subprocess
import sys
from pathlib import Path

import pytest

from support.inner_runs import load_few_plugins
from support.spread import scope_of

CONFTEST = Path(__file__).with_name("conftest.py")
SETTINGS = f"""
[pytest]
pythonpath = {Path(__file__).parent}
addopts = --import-mode=importlib -p no:cacheprovider -p no:benchmark
filterwarnings = error
qt_log_level_fail = WARNING
"""

SURPRISES = """
import logging, subprocess, threading, warnings
import pytest
from PySide6.QtCore import qWarning

def test_log():
    logging.getLogger('x').warning('odd record')

@pytest.mark.expect_log('never said')
def test_missing_log(): pass

def test_child():
    pytest.child = subprocess.Popen(['sleep', '60'])

def test_thread():
    stop = threading.Event()
    threading.Thread(target=stop.wait, name='left one', daemon=True).start()

def test_qt_message():
    qWarning('odd message')

def test_warning():
    warnings.warn('odd warning')
"""

QT_THREAD = """
import gc
from PySide6.QtCore import QThread
from pytestqt.qtbot import QtBot

class Thread(QThread):
    def run(self):
        type(self).begun = True
        self.exec()
    begun = False

def test_leaves_it(qtbot):
    thread = Thread()
    thread.start()
    qtbot.waitUntil(lambda: Thread.begun)
    raise AssertionError('before its stop')

def test_after(): gc.collect()
"""

CLEAN = """
import logging, subprocess, threading
import pytest

@pytest.mark.expect_log('odd')
def test_marked():
    logging.warning('odd')

def test_by_fixture(expect_log):
    expect_log('strange')
    logging.error('strange')

def test_ended():
    subprocess.run(['true'], check=True)
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()
"""

SKIPS = "import pytest\ndef test_it(): pytest.skip('no xvfb')"
SKIPPED_MODULE = "import pytest\npytest.importorskip('not_there')"


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    load_few_plugins(monkeypatch)
    pytester.makeconftest(CONFTEST.read_text())
    pytester.makeini(SETTINGS)
    return pytester


def outcome_of(run: pytest.Pytester, **modules: str) -> tuple[dict[str, int], str]:
    run.makepyfile(**modules)
    result = run.runpytest_subprocess("-rA")
    return result.parseoutcomes(), "\n".join(result.outlines)


def test_every_surprise_fails_the_test_that_made_it(run: pytest.Pytester) -> None:
    outcomes, output = outcome_of(run, test_surprises=SURPRISES)
    assert outcomes["failed"] == 2, output  # the warning and the Qt message: in the test itself
    assert outcomes["errors"] == 4, output  # the others: at its teardown
    for said in (
        "WARNING odd record",
        "expected in the log, not found: ['never said']",
        "sleep 60",
        "left threads running: ['left one']",
        "QtWarningMsg: odd message",
        "UserWarning: odd warning",
    ):
        assert said in output


def test_a_qt_thread_that_a_failure_left_running_does_not_end_the_run(
    run: pytest.Pytester,
) -> None:
    outcomes, output = outcome_of(run, test_threads=QT_THREAD)
    assert outcomes == {"failed": 1, "passed": 1}, output
    assert "destroyed while" not in output.lower()


def test_the_run_goes_on_when_a_worker_dies(run: pytest.Pytester) -> None:
    files = {f"test_{name}": "def test_one(): pass\ndef test_two(): pass" for name in "acdefgh"}
    dies = "import os\ndef test_dies(): os.abort()\ndef test_after(): pass"
    run.makepyfile(**files, test_b=dies, test_z=dies)
    result = run.runpytest_subprocess("-n", "2", timeout=280)
    assert result.parseoutcomes() == {"passed": 16, "failed": 2}, result.stdout.str()


def test_a_run_that_takes_too_long_ends_and_names_the_test() -> None:
    script = (
        "import time; from support.surprises import RunLimit; limit = RunLimit(0.3)\n"
        "limit.pytest_runtest_logstart('test_one.py::test_done')\n"
        "limit.pytest_runtest_logfinish('test_one.py::test_done')\n"
        "limit.pytest_runtest_logstart('test_one.py::test_hangs')\n"
        "time.sleep(600)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "test_one.py::test_hangs (" in done.stderr
    assert "test_done" not in done.stderr


def test_what_was_expected_passes(run: pytest.Pytester) -> None:
    outcomes, output = outcome_of(run, test_clean=CLEAN)
    assert outcomes == {"passed": 3}, output


@pytest.mark.parametrize(("ci", "counts"), [("true", {"failed": 1, "errors": 1}), ("", None)])
def test_a_skip_is_a_failure_in_ci_alone(
    run: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, ci: str, counts: dict[str, int] | None
) -> None:
    monkeypatch.setenv("CI", ci)
    monkeypatch.setenv("PYTEST_ADDOPTS", "--continue-on-collection-errors", prepend=" ")
    outcomes, output = outcome_of(run, test_skips=SKIPS, test_skipped_module=SKIPPED_MODULE)
    assert outcomes == (counts or {"skipped": 2}), output


@pytest.mark.parametrize(
    ("nodeid", "scope"),
    [
        ("tests/e2e/test_real_jobs.py::test_one", "real loads"),
        ("tests/e2e/test_foreground.py::test_two[True]", "real loads"),
        ("tests/e2e/test_tray_menu.py::test_three", "tests/e2e/test_tray_menu.py"),
        ("tests/platforms/test_real_ends.py::test_four", "tests/platforms/test_real_ends.py"),
    ],
)
def test_real_loads_run_one_after_the_other(nodeid: str, scope: str) -> None:
    assert scope_of(nodeid) == scope
