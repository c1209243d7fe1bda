"""A session that ended without its end is one alert of the next one."""

from pathlib import Path

import pytest

from support.inner_runs import alerts, run

ABORTS = """
import os
def test_good(): pass
def test_crash():
    if os.environ.get("CRASH"): os.abort()
"""


def test_a_session_that_died_is_reported_once_and_over_with_a_green_run(
    pytester: pytest.Pytester, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(ABORTS)
    monkeypatch.setenv("CRASH", "1")
    assert run(pytester, "--omnitray").ret == -6  # SIGABRT
    assert alerts(home) == []
    monkeypatch.delenv("CRASH")
    run(pytester, "--omnitray", "-k", "good").assert_outcomes(passed=1, deselected=1)
    (died,) = alerts(home)
    assert (died["type"], died["severity"], died["state"]) == ("CRITICAL", "critical", "firing")
    assert died["title"] == f"Test session died: pytest · {pytester.path} · run 1"
    assert "ended without its end: aborted or killed" in died["message"]
    run(pytester, "--omnitray").assert_outcomes(passed=2)
    (over,) = alerts(home)
    assert (over["id"], over["count"], over["state"]) == (died["id"], 1, "resolved")


@pytest.mark.parametrize("how", ["raise KeyboardInterrupt", "pytest.exit('enough')"])
def test_a_session_that_was_ended_in_order_has_not_died(
    pytester: pytest.Pytester, home: Path, how: str
) -> None:
    pytester.makepyfile(f"import pytest\ndef test_stops():\n    {how}")
    run(pytester, "--omnitray")
    pytester.makepyfile("def test_good(): pass")
    run(pytester, "--omnitray")
    assert alerts(home) == []


def test_a_timeout_that_ended_the_process_is_not_said_twice(
    pytester: pytest.Pytester, home: Path
) -> None:
    pytester.makepyfile("""
        import time, pytest
        @pytest.mark.timeout(1, method="thread")
        def test_hangs(): time.sleep(30)
    """)
    run(pytester, "--omnitray")
    pytester.makepyfile("def test_good(): pass")
    run(pytester, "--omnitray", "-k", "good")
    assert [each["type"] for each in alerts(home)] == ["TEST_TIMEOUT"]


def test_a_session_that_died_is_reported_also_by_one_that_does_not_begin(
    pytester: pytest.Pytester, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(ABORTS)
    monkeypatch.setenv("CRASH", "1")
    run(pytester, "--omnitray")
    run(pytester, "--omnitray", "--help")
    (died,) = alerts(home)
    assert died["title"] == f"Test session died: pytest · {pytester.path} · run 1"
