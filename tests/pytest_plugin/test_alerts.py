"""Real runs of pytest in processes of their own: what is reported, and that no outcome changes."""

import json
from pathlib import Path
from typing import Any

import pytest

BAD = """
import time, pytest
def test_good(): pass
def test_wrong(): assert 1 == 2
def test_odd(): raise ValueError("x\\ny")
def test_denied(): raise PermissionError(13, "Permission denied", "/etc/secret/file")
@pytest.mark.timeout(2)
def test_hangs(): time.sleep(30)
"""
GOOD = "def test_good(): pass\n"
XDIST = ("-n", "2")
TYPES = ["PERMISSION_ERROR", "TEST_FAILED", "TEST_TIMEOUT"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "omnitray home"
    monkeypatch.setenv("OMNITRAY_HOME", str(folder))
    return folder


def alerts(home: Path) -> list[dict[str, Any]]:
    files = (home / "data" / "alerts").glob("alert_*.json")
    found = sorted((json.loads(file.read_text()) for file in files), key=lambda each: each["type"])
    fields = {"run", "nodeid", "project", "worker", "phase", "error"}
    assert all(fields <= set(each["context"]) for each in found)
    return found


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)


@pytest.mark.parametrize("spread", [(), XDIST], ids=["plain", "xdist"])
@pytest.mark.parametrize("method", ["signal", "thread"])
def test_each_kind_of_fault_is_one_alert(
    pytester: pytest.Pytester, home: Path, spread: tuple[str, ...], method: str
) -> None:
    pytester.makepyfile(BAD)
    result = run(pytester, "--omnitray", "-o", f"timeout_method={method}", *spread)
    found = alerts(home)
    assert [each["type"] for each in found] == TYPES
    assert {each["source"] for each in found} == {"pytest"}
    denied, failed, timeout = found
    assert denied["context"]["path"] == "/etc/secret/file"
    assert "owned by root" in denied["message"]
    assert failed["context"]["failed_count"] == 2
    assert failed["context"]["project"] == str(pytester.path)
    assert "AssertionError: assert 1 == 2" in failed["message"]
    assert timeout["context"]["nodeid"].endswith("::test_hangs")
    assert "time.sleep(30)" in timeout["context"]["stack"]
    if method == "signal" or spread:
        result.assert_outcomes(passed=1, failed=4)
        assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_nothing_happens_unless_it_is_asked_for(pytester: pytest.Pytester, home: Path) -> None:
    pytester.makepyfile("""
        import sys
        def test_inert():
            loaded = {name for name in sys.modules if name.startswith("omnitray")}
            assert loaded == {"omnitray", "omnitray.pytest_plugin"}
    """)
    run(pytester).assert_outcomes(passed=1)
    assert not home.exists()


def test_the_ini_file_turns_it_on(pytester: pytest.Pytester, home: Path) -> None:
    pytester.makeini("[pytest]\nomnitray = true\n")
    pytester.makepyfile("def test_wrong(): assert False")
    run(pytester).assert_outcomes(failed=1)
    assert [each["type"] for each in alerts(home)] == ["TEST_FAILED"]


@pytest.mark.parametrize("more", [(), XDIST], ids=["alone", "xdist"])
def test_a_failed_test_has_its_file_and_line(
    pytester: pytest.Pytester, home: Path, more: tuple[str, ...]
) -> None:
    pytester.makepyfile(
        test_a="""
        def test_here():
            number = 1
            assert number == 2

        def test_in_the_library():
            int(
                "x"
            )
    """
    )
    run(pytester, "--omnitray", *more).assert_outcomes(failed=2)
    (found,) = alerts(home)
    places = {each["nodeid"]: (each["file"], each["line"]) for each in found["context"]["failed"]}
    assert places["test_a.py::test_here"] == ("test_a.py", 3)
    assert places["test_a.py::test_in_the_library"][0] == "test_a.py"
    assert places["test_a.py::test_in_the_library"][1] in (6, 7)


def test_the_next_green_run_ends_what_is_open(pytester: pytest.Pytester, home: Path) -> None:
    file = pytester.makepyfile(BAD)
    run(pytester, "--omnitray")
    assert {each["state"] for each in alerts(home)} == {"firing"}
    file.write_text(GOOD)
    run(pytester, "--omnitray").assert_outcomes(passed=1)
    assert {each["state"] for each in alerts(home)} == {"resolved"}


def test_another_project_ends_nothing(
    pytester: pytest.Pytester, home: Path, tmp_path: Path
) -> None:
    pytester.makepyfile(BAD)
    run(pytester, "--omnitray", "-k", "wrong")
    other = tmp_path / "other"
    other.mkdir()
    (other / "test_other.py").write_text(GOOD)
    run(pytester, "--omnitray", f"--rootdir={other}", str(other)).assert_outcomes(passed=1)
    assert [each["state"] for each in alerts(home)] == ["firing"]


def test_a_slow_test_is_reported_and_goes_on(pytester: pytest.Pytester, home: Path) -> None:
    pytester.makepyfile("import time\ndef test_slow(): time.sleep(1)")
    run(pytester, "--omnitray", "--omnitray-slow=0.2").assert_outcomes(passed=1)
    (found,) = alerts(home)
    assert (found["type"], found["severity"]) == ("TEST_TIMEOUT", "warning")
    assert "time.sleep(1)" in found["context"]["stack"]
    assert found["state"] == "resolved"  # the run was green


def test_a_timeout_that_does_not_come_is_taken_back(pytester: pytest.Pytester, home: Path) -> None:
    """The alert is written before the limit: a test that ends in between was no timeout."""
    pytester.makepyfile("""
        import time, pytest
        @pytest.mark.timeout(5)
        def test_late(): time.sleep(4.7)
        def test_wrong(): assert False
    """)
    run(pytester, "--omnitray").assert_outcomes(passed=1, failed=1)
    states = {each["type"]: each["state"] for each in alerts(home)}
    assert states == {"TEST_TIMEOUT": "resolved", "TEST_FAILED": "firing"}


def test_a_worker_that_is_killed_is_reported_as_that(pytester: pytest.Pytester, home: Path) -> None:
    pytester.makepyfile("import os\ndef test_dies(): os.kill(os.getpid(), 9)")
    run(pytester, "--omnitray", *XDIST).assert_outcomes(failed=1)
    (found,) = alerts(home)
    assert (found["type"], found["severity"]) == ("CRITICAL", "critical")
    assert found["context"]["nodeid"].endswith("::test_dies")


@pytest.mark.parametrize("without", ["no:timeout", "no:xdist"])
def test_it_works_without_the_other_plugins(
    pytester: pytest.Pytester, home: Path, without: str
) -> None:
    pytester.makepyfile("def test_wrong(): assert False")
    run(pytester, "--omnitray", "-p", without).assert_outcomes(failed=1)
    assert [each["type"] for each in alerts(home)] == ["TEST_FAILED"]


def test_the_summary_is_at_most_three_lines(pytester: pytest.Pytester, home: Path) -> None:
    pytester.makepyfile(BAD)
    result = run(pytester, "--omnitray")
    lines = [line for line in result.outlines if line.startswith("omnitray: ")]
    assert "omnitray: 3 alerts raised; see omnitray alerts" in lines
    assert 1 <= len(lines) <= 3
    assert not any((home / "state" / "pytest").iterdir())


def test_a_history_that_cannot_be_written_changes_no_outcome(
    pytester: pytest.Pytester, home: Path
) -> None:
    home.parent.mkdir(exist_ok=True)
    home.write_text("in the way")
    pytester.makepyfile("def test_good(): pass\ndef test_wrong(): assert False")
    result = run(pytester, "--omnitray")
    result.assert_outcomes(passed=1, failed=1)
    assert any("could not be delivered" in line for line in result.outlines)
