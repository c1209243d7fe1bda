"""Tests that change the process that they share with the plugin lose it no outcome, no alert."""

import time
from pathlib import Path

import pytest

from matrix import suites
from omnitray.base.amounts import context
from omnitray.base.clock import epoch
from omnitray.base.facts import AlertType
from omnitray.pytest_plugin.failures import group_context, group_message
from omnitray.pytest_plugin.reporter import SessionClock, encodable
from support.inner_runs import alerts, run

REPLACES = """
import builtins, os, threading, time
from unittest import mock
import pytest
def boom(*_, **__): raise ZeroDivisionError("not now")
@pytest.fixture
def frozen(monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 1.3e9)
    monkeypatch.setattr(time, "monotonic", lambda: 1.3e9)
@pytest.mark.timeout(60)
def test_limit(frozen): assert 0
@pytest.mark.timeout(50)
def test_nearer_limit(frozen): threading.Event().wait(0.1)
@pytest.mark.parametrize("name", ["open", "rename", "replace", "fsync"])
def test_without(name, monkeypatch):
    monkeypatch.setattr(os, name, boom)
    assert 0
def test_without_open():
    with mock.patch("builtins.open", boom): assert 0
"""


def test_what_a_test_raises_or_uses_up_is_one_more_failure(
    pytester: pytest.Pytester, home: Path
) -> None:
    pytester.makepyfile(suites.PROCESS)
    result = run(pytester, "--omnitray", "--tb=no", "-rN")
    result.assert_outcomes(failed=17)
    named = str([each["context"]["failed"] for each in alerts(home)])
    for name in ("mute", "surrogate", "deep", "denied_nowhere", "few_files", "no_threads", "umask"):
        assert f"::test_{name}'" in named
    assert not any("context_removed" in each["context"] for each in alerts(home))
    result.stdout.fnmatch_lines("omnitray: * alerts raised; see omnitray alerts")


def test_time_and_files_that_a_test_replaces_are_real_to_the_plugin(
    pytester: pytest.Pytester, home: Path
) -> None:
    before = time.time()
    pytester.makepyfile(REPLACES)
    run(pytester, "--omnitray").assert_outcomes(failed=6, passed=1)
    (found,) = alerts(home)
    assert found["context"]["failed_count"] == 6
    assert before - 1.0 <= epoch(found["first_seen"]) <= epoch(found["last_seen"]) <= time.time()


def test_the_sessions_clock_goes_on_from_where_it_began(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SessionClock()
    assert abs(clock.wall() - time.time()) < 1.0
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert clock.wall() > 1e9


def test_half_characters_are_replaced_wherever_they_stand() -> None:
    given = {"a": "\udcff", "b": ["é", {"c": "\udc80"}], "d": 1, "e": None}
    assert encodable(given) == {"a": "?", "b": ["é", {"c": "?"}], "d": 1, "e": None}


def test_a_plugin_that_cannot_begin_says_so_and_the_tests_run(
    pytester: pytest.Pytester, home: Path
) -> None:
    pytester.makeconftest(
        """
        from omnitray.pytest_plugin import session
        def own_marks(_above): raise FileNotFoundError("No usable temporary directory found")
        session.own_marks = own_marks
        """
    )
    pytester.makepyfile("def test_good(): pass")
    result = run(pytester, "--omnitray")
    result.assert_outcomes(passed=1)
    result.stderr.fnmatch_lines("omnitray: not followed: FileNotFoundError: No usable *")
    assert not (home / "data" / "alerts").exists()


def test_a_limit_ends_with_its_test_where_nobody_logs_the_end(
    pytester: pytest.Pytester, home: Path
) -> None:
    pytester.makeconftest(suites.HOSTILE)
    pytester.makepyfile(
        """
        import time, pytest
        def test_long(): time.sleep(1.6)
        @pytest.mark.timeout(1.5)
        def test_limited(): pass
        """
    )  # the conftest runs them in the reverse order
    run(pytester, "--omnitray").assert_outcomes(passed=2)
    assert alerts(home) == []


@pytest.mark.parametrize("name", ["test_n", "test_日本語の長い名前", "x" * 5000])
def test_ten_thousand_failures_with_any_names_fit_into_one_alert(name: str) -> None:
    entries = [
        {"nodeid": f"test_it.py::{name}[{n}]", "error": "値" * 300, "file": "test_it.py", "line": 3}
        for n in range(10_000)
    ]
    found = group_context({"project": "/shop", "run": "1"}, entries)
    assert found["failed_count"] == 10_000
    assert context(found) == found  # nothing is removed from what can be stored
    assert "tests fail: test_it.py::" in group_message(AlertType.TEST_FAILED, found)


@pytest.mark.parametrize("spread", [(), ("-n", "1")], ids=["plain", "xdist"])
def test_a_fault_of_ours_is_a_line_whichever_process_it_was_in(
    pytester: pytest.Pytester, home: Path, spread: tuple[str, ...]
) -> None:
    pytester.makeconftest(
        """
        from omnitray.pytest_plugin import running_test
        def boom(_error): raise ZeroDivisionError("ours")
        running_test.permission_facts = boom
        """
    )
    pytester.makepyfile("def test_bad(): assert 0")
    result = run(pytester, "--omnitray", *spread)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines("omnitray: not all could be followed: ZeroDivisionError: ours")
    assert len(alerts(home)) == 1


def test_a_slow_test_is_seen_where_no_peak_can_be_read(
    pytester: pytest.Pytester, home: Path
) -> None:
    pytester.makeconftest(
        """
        from omnitray.pytest_plugin import summary
        def boom(): raise FileNotFoundError("no /proc")
        summary.peak_of_this_process = boom
        """
    )
    pytester.makepyfile("import time\ndef test_slow(): time.sleep(1)")
    result = run(pytester, "--omnitray", "--omnitray-slow", "0.2")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines("omnitray: not all could be followed: FileNotFoundError: no /proc")
    assert [each["title"] for each in alerts(home)] == [
        "Slow test: test_a_slow_test_is_seen_where_no_peak_can_be_read.py::test_slow"
    ]
