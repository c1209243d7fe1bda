"""The figures at the end of a run, each against another measurement."""

import re
import resource
import time
from pathlib import Path

import pytest

TESTS = """
import resource, subprocess, sys
BURN = "import time\\nwhile time.process_time() < 0.15: pass"
def taken(who): return sum(resource.getrusage(who)[:2])
def test_small(): pass
def test_burns(capsys):
    before = [taken(each) for each in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    for _ in range(6):  # each lives between two looks
        subprocess.run([sys.executable, "-I", "-S", "-c", BURN], check=True)
    held = b"x" * 120_000_000
    after = [taken(each) for each in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    hwm = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    with capsys.disabled():
        print("CPU", sum(after) - sum(before), "PEAK", int(hwm.split()[1]) * 1024)
def test_after(): pass
"""
LINE = re.compile(r"omnitray: peak memory (\d+) MB in (\S+), CPU (\d+\.\d) s in (\d+\.\d) s")


@pytest.mark.parametrize("spread", [(), ("-n", "1")], ids=["plain", "xdist"])
def test_peak_cpu_and_time_are_right(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, spread: tuple[str, ...]
) -> None:
    home: Path = pytester.path / "home"
    monkeypatch.setenv("OMNITRAY_HOME", str(home))
    pytester.makepyfile(TESTS)
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "--omnitray", "-s", *spread)
    took_s = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    all_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found = LINE.search(result.stdout.str())
    assert found is not None, result.stdout.str()
    assert found[2].endswith("::test_burns")
    cpu_s, session_s = float(found[3]), float(found[4])
    own = re.search(r" in (\d+\.\d+)s", result.stdout.lines[-1])  # pytest's, taken a little later
    assert own is not None
    # Between the two beginnings other plugins start: 0.15 s at a load of 20 on 2 processors.
    assert session_s <= float(own[1]) + 0.5
    assert max(session_s - 0.1, float(own[1])) <= took_s
    assert cpu_s <= all_s + 0.05
    if not spread:  # a worker has no terminal to print to
        said = re.search(r"CPU (\d\.\d+) PEAK (\d+)", result.stdout.str())
        assert said is not None
        assert cpu_s >= float(said[1]) - 0.1
        assert int(found[1]) == pytest.approx(int(said[2]) / 1e6, rel=0.05)
    assert cpu_s >= 6 * 0.15 - 0.1


def test_a_suite_that_is_largest_while_it_is_collected_names_no_test(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNITRAY_HOME", str(pytester.path / "home"))
    pytester.makepyfile("held = b'x' * 150_000_000\ndel held\ndef test_small(): pass\n")
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "--omnitray")
    assert not [line for line in result.outlines if "test_small" in line and "peak" in line]
    (line,) = [line for line in result.outlines if "peak memory" in line]
    assert int(line.split()[3]) >= 150
