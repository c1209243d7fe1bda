"""Real runs of pytest in processes of their own: what is reported, and that no outcome changes."""

import sys
from pathlib import Path
from typing import Any

import pytest

from omnitray.alerts.model import stable_labels
from omnitray.base.facts import AlertType
from omnitray.pytest_plugin.failures import group_context, group_title
from support.inner_runs import alerts, run

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
    assert {each["count"] for each in found} == {1}  # one run, however often it had more to say
    denied, failed, timeout = found
    assert denied["context"]["path"] == "/etc/secret/file"
    assert "owned by root" in denied["message"]
    assert failed["context"]["failed_count"] == 2
    title, _, names = failed["title"].rpartition(": ")
    assert title == f"2 tests fail in {pytester.path}"
    assert set(names.split(", ")) == {"test_wrong", "test_odd"}  # in the order of their workers
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


SHOP = """
import os, pytest
def fails(name): return name in os.environ.get("FAILING", "").split(",")
def test_plain_fail(): assert not fails("plain")
def test_denied():
    if fails("denied"): raise PermissionError(13, "Permission denied", "/etc/secret")
def test_also_denied():
    if fails("denied"): raise PermissionError(13, "Permission denied", "/etc/secret")
def test_imports(): assert not fails("imports")
def test_shows(): pass
@pytest.mark.parametrize("number", [1, 2])
def test_after(number): assert not fails(f"after{number}")
"""


class Shop:
    """A project whose tests fail as told, and the tests that its open alerts name."""

    def __init__(
        self, pytester: pytest.Pytester, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.file = pytester.makepyfile(test_shop=SHOP)
        self._pytester, self._home, self._monkeypatch = pytester, home, monkeypatch
        monkeypatch.setattr(sys, "dont_write_bytecode", True)  # the file changes within a second

    def run(self, *arguments: str, failing: str = "") -> dict[str, list[str]]:
        self._monkeypatch.setenv("FAILING", failing)
        options = ("-p", "no:cacheprovider", "--omnitray", *arguments)
        if "-n" in arguments:
            self._pytester.runpytest_subprocess(*options)
        else:
            self._pytester.runpytest_inprocess(*options)
        found = [each for each in alerts(self._home) if each["state"] == "firing"]
        for each in found:
            also = each["context"].get("also_failed", ())
            assert each["context"]["failed_count"] == len(each["context"]["failed"]) + len(also)
        return {each["type"]: names(each) for each in found}


def names(alert: dict[str, Any]) -> list[str]:
    return [each["nodeid"].rpartition("::test_")[2] for each in alert["context"]["failed"]]


@pytest.fixture
def shop(pytester: pytest.Pytester, home: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return Shop(pytester, home, monkeypatch)


FAILING = "plain,denied,imports"
ALL = {"TEST_FAILED": ["plain_fail", "imports"], "PERMISSION_ERROR": ["denied", "also_denied"]}


@pytest.mark.parametrize("spread", [(), XDIST], ids=["plain", "xdist"])
def test_a_green_run_of_other_tests_ends_no_alert(
    shop: Shop, home: Path, spread: tuple[str, ...]
) -> None:
    for each in shop.run(*spread, failing=FAILING).items():
        assert (each[0], sorted(each[1])) in [(key, sorted(ALL[key])) for key in ALL]
    before = alerts(home)
    assert set(shop.run("-k", "shows or after", *spread)) == set(ALL)
    assert alerts(home) == before


def test_each_test_leaves_its_alert_when_it_has_passed(shop: Shop, home: Path) -> None:
    shop.run(failing=FAILING)
    rest = shop.run("test_shop.py::test_plain_fail", "test_shop.py::test_also_denied")
    assert rest == {"TEST_FAILED": ["imports"], "PERMISSION_ERROR": ["denied"]}
    failed = next(each for each in alerts(home) if each["type"] == "TEST_FAILED")
    assert failed["message"].startswith("1 test fails: test_shop.py::test_imports (")
    assert failed["title"].startswith("1 test fails in ")
    assert failed["title"].endswith(": test_imports")
    assert failed["context"]["nodeid"] == "test_shop.py::test_imports"
    assert shop.run("-k", "imports or denied") == {}


def test_a_run_that_stops_early_says_nothing_of_what_it_has_not_run(shop: Shop) -> None:
    shop.run(failing="plain,after1,after2")
    rest = shop.run("-x", failing="after1")
    assert rest == {"TEST_FAILED": ["after[1]", "after[2]"]}


def test_one_more_failure_joins_what_an_earlier_run_has_left(shop: Shop, home: Path) -> None:
    shop.run(failing="plain")
    rest = shop.run("-k", "imports", failing="imports")
    assert rest == {"TEST_FAILED": ["imports", "plain_fail"]}
    (alert,) = alerts(home)  # one incident of the project, whichever test comes first
    assert alert["title"].startswith("2 tests fail in ")


def test_a_test_that_fails_in_another_way_moves_to_that_alert(shop: Shop) -> None:
    shop.run(failing="denied")
    other = SHOP.replace('raise PermissionError(13, "Permission denied",', "assert not (")
    shop.file.write_text(other)
    assert shop.run(failing="denied") == {"TEST_FAILED": ["denied", "also_denied"]}


@pytest.mark.parametrize("spread", [(), XDIST], ids=["plain", "xdist"])
def test_a_test_that_no_longer_exists_leaves_its_alert(shop: Shop, spread: tuple[str, ...]) -> None:
    shop.run(*spread, failing=FAILING)
    shop.file.write_text(SHOP.replace("test_imports", "test_loads"))
    # Named by its node id it would be an error; another one of the file collects not all of it.
    rest = shop.run("test_shop.py::test_shows", *spread)
    assert sorted(rest["TEST_FAILED"]) == ["imports", "plain_fail"]
    assert shop.run("-k", "shows", *spread)["TEST_FAILED"] == ["plain_fail"]
    shop.file.rename(shop.file.with_name("test_store.py"))
    assert shop.run("-k", "shows", *spread) == {}


def test_a_file_that_cannot_be_collected_takes_no_test_from_an_alert(shop: Shop) -> None:
    shop.run(failing="plain")
    shop.file.write_text("import no_such_module")
    assert shop.run() == {"TEST_FAILED": ["plain_fail"]}


def test_a_skipped_test_was_not_run(shop: Shop) -> None:
    shop.run(failing="plain")
    shop.file.write_text(SHOP.replace("def test_plain", "@pytest.mark.skip\ndef test_plain"))
    assert shop.run() == {"TEST_FAILED": ["plain_fail"]}


def test_more_failures_than_an_alert_describes_are_named(shop: Shop, home: Path) -> None:
    shop.file.write_text("""
import os, pytest
@pytest.mark.parametrize("number", range(60))
def test_one(number): assert not os.environ.get("FAILING")
""")
    shop.run(failing="yes")
    (found,) = alerts(home)
    assert (len(found["context"]["failed"]), len(found["context"]["also_failed"])) == (50, 10)
    assert shop.run("-k", "not 59") == {"TEST_FAILED": ["one[59]"]}
    assert shop.run("-k", "59") == {}


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


@pytest.mark.parametrize(
    ("made", "root", "title", "remedy"),
    [
        (True, False, "Not permitted", "Give the user who runs the tests access to "),
        (True, True, "Not permitted", "The tests run as root, so its mode is not the reason"),
        (False, False, "Permission error, and no such file", "It does not exist: look at the path"),
    ],
)
def test_a_remedy_fits_what_is_there_and_who_runs_the_tests(
    pytester: pytest.Pytester, home: Path, *, made: bool, root: bool, title: str, remedy: str
) -> None:
    file = pytester.path / "secret"
    if made:
        file.touch()
    pytester.makepyfile(f"""
        import os
        def test_denied(monkeypatch):
            raise PermissionError(13, "Permission denied", {str(file)!r})
    """)
    pytester.makeconftest(f"import os\nos.geteuid = lambda: {0 if root else 1000}")
    run(pytester, "--omnitray")
    (denied,) = alerts(home)
    assert denied["title"] == f"{title}: {file}"
    assert remedy in denied["message"]
    assert ("which does not exist" in denied["message"]) is not made


@pytest.mark.parametrize(
    ("names", "more", "title"),
    [
        (["a/test_a.py::test_one"], 0, "1 test fails in ~/shop: test_one"),
        (["t.py::C::test_a[x::y]", "t.py"], 0, "2 tests fail in ~/shop: test_a[x::y], t.py"),
        (["t.py::a", "t.py::b", "t.py::c"], 0, "3 tests fail in ~/shop: a, b and 1 more"),
        (["t.py::a"], 399, "400 tests fail in ~/shop: a and 399 more"),
        (["d[1]/t.py::" + 50 * "x"], 0, f"1 test fails in ~/shop: {39 * 'x'}…"),
    ],
)
def test_a_title_counts_and_names(names: list[str], more: int, title: str) -> None:
    entries = [{"nodeid": each, "error": ""} for each in names]
    context = group_context({"group": "Tests fail in ~/shop"}, entries, more)
    assert group_title(AlertType.TEST_FAILED, context, "~/shop") == title
    other = group_title(AlertType.TEST_FAILED, {**context, "server": "api"}, "~/shop")
    assert other == title.replace("in ~/shop", "while the server api is down")
    first, second = (stable_labels(each, context) for each in (title, other))
    assert first == second  # one incident, whatever the title counts
