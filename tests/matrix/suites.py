"""The suites of the matrix, and the plugin that writes down what became of each test."""

RECORDER = """
import json, os
def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(), "recorder")
class Recorder:
    def __init__(self):  # tests may replace os.write, and leave no descriptor
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self.write, self.file = os.write, os.open(os.environ["RECORD"], flags)
    def pytest_runtest_logreport(self, report):
        if report.when == "call" or report.outcome != "passed":
            line = json.dumps([report.nodeid, report.when, report.outcome])
            self.write(self.file, line.encode() + b"\\n")
"""

MIXED = """
import asyncio, time, unittest, warnings
import pytest
def test_good(): pass
def test_wrong(): assert 1 == 2
def test_odd(): raise ValueError("x\\ny")
def test_denied(): open("/proc/1/mem-of-nobody") if False else (_ for _ in ()).throw(
    PermissionError(13, "Permission denied", "/etc/secret/file"))
@pytest.fixture
def broken(): raise RuntimeError("no database")
def test_error(broken): pass
@pytest.fixture
def leaves(): yield; raise RuntimeError("not put away")
def test_bad_end(leaves): pass
@pytest.mark.skip(reason="not today")
def test_skipped(): pass
@pytest.mark.xfail
def test_expected(): assert 0
@pytest.mark.xfail(strict=True)
def test_strict(): pass
class Old(unittest.TestCase):
    def test_old_good(self): pass
    def test_old_wrong(self): self.fail("old")
    def test_old_parts(self):
        with self.subTest(n=1): self.assertEqual(1, 1)
@pytest.mark.asyncio
async def test_async(): await asyncio.sleep(0)
@pytest.mark.asyncio
async def test_async_wrong():
    await asyncio.sleep(0)
    assert 3 == 4
@pytest.mark.parametrize("n", ["a", "b c", "ü/::[x]"])
def test_each(n): assert n != "b c"
def test_prints(capsys):
    print("out"); warnings.warn("look")
    assert capsys.readouterr().out == "out\\n"
"""
FLAKY = """
import os, pathlib
def test_flaky():
    mark = pathlib.Path(os.environ["RECORD"] + ".flaky")
    if not mark.exists():
        mark.touch()
        raise AssertionError("the first time")
def test_never(): assert False
def test_good(): pass
"""
HANGING = "record-hanging"  # a file beside the suite, once the test that hangs has begun
HANGS = f"""
import pathlib, time
def test_first(): pass
def test_hangs(): pathlib.Path(__file__).with_name("{HANGING}").touch(); time.sleep(60)
def test_last(): pass
"""
CRASHES = """
import os, signal, pytest
def test_first(): pass
def test_crashes(): os.kill(os.getpid(), signal.SIGKILL)
def test_last(): assert True
"""
COLLECTION = """
import a_module_that_is_not_there
def test_never(): pass
"""
GREEN = """
def test_one(): pass
def test_two(): pass
"""
EXITS = """
import pytest, sys
def test_first(): assert 0
def test_leaves(): pytest.exit("enough", returncode=7)
def test_never(): pass
"""
LEAVES = """
import sys
def test_first(): pass
def test_system_exit(): sys.exit(3)
def test_interrupts(): raise KeyboardInterrupt
def test_never(): pass
"""
DOCTESTS = '''
def twice(n):
    """
    >>> twice(2)
    5
    """
    return 2 * n
def test_twice(): assert twice(1) == 2
'''
SUBTESTS = """
import unittest
def test_parts(subtests):
    for n in range(3):
        with subtests.test(n=n):
            assert n != 1
def test_good(subtests):
    with subtests.test("good"): pass
class Old(unittest.TestCase):
    def test_old(self):
        for n in range(3):
            with self.subTest(n=n):
                self.assertNotEqual(n, 1)
"""
CHECKS = """
from pytest_check import check
def test_two_wrong():
    check.equal(1, 2)
    check.equal(1, 3)
def test_good(): check.equal(1, 1)
"""
HYPOTHESIS = """
from hypothesis import given, settings, strategies as st
@settings(derandomize=True, database=None)
@given(st.integers())
def test_small(n): assert n < 100
@settings(derandomize=True, database=None)
@given(st.integers())
def test_any(n): assert n == n
"""
ANYIO = """
import anyio, pytest
pytestmark = pytest.mark.anyio
async def test_good(): await anyio.sleep(0)
async def test_wrong():
    await anyio.sleep(0)
    assert 0
"""
BENCHMARK = """
def test_fast(benchmark): benchmark.pedantic(sum, args=([1, 2],), rounds=3)
def test_wrong(benchmark): assert benchmark.pedantic(sum, args=([1],), rounds=3) == 2
"""
# What tests do to the process that we share with them: time stands still, files are not there.
TIMES = """
import time
import freezegun, pytest, time_machine
def boom(*_, **__): raise ZeroDivisionError("not now")
@pytest.fixture
def frozen():
    with freezegun.freeze_time("2012-01-14"): yield
def test_frozen(frozen): assert time.time() > 2e9
def test_frozen_for_long(frozen): time.sleep(0.3)
@time_machine.travel("2040-01-01", tick=False)
def test_travels(): assert time.time() < 2e9
@pytest.mark.parametrize("name", ["time", "monotonic", "perf_counter", "sleep"])
def test_without(name, monkeypatch):
    monkeypatch.setattr(time, name, boom)
    assert 0
@pytest.mark.timeout(20)
def test_with_another_limit(frozen): assert 0
"""
FILES = """
import builtins, os, pathlib, shutil
from unittest import mock
import pytest
def boom(*_, **__): raise ZeroDivisionError("no files")
def test_fake(fs):
    pathlib.Path("/new").write_text("x")
    assert 0
def test_fake_good(fs): assert not os.path.exists("/proc/self/status")
def test_mock_open():
    with mock.patch("builtins.open", mock.mock_open(read_data="x")): assert 0
@pytest.mark.parametrize("name", ["open", "rename", "replace", "fsync", "mkdir"])
def test_without(name, monkeypatch):
    monkeypatch.setattr(os, name, boom)
    assert 0
def test_without_open(monkeypatch):
    monkeypatch.setattr(builtins, "open", boom)
    assert 0
def test_lost_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.rmtree(tmp_path)
    assert 0
"""
PROCESS = """
import os, resource, socket, sys, threading
from unittest import mock
import pytest
class Mute(Exception):
    def __str__(self): raise RuntimeError("I do not say")
class Odd(BaseException): pass
class Place:
    def __fspath__(self): raise RuntimeError("nowhere")
def boom(*_, **__): raise ZeroDivisionError("not this one")
def test_mute(): raise Mute
def test_odd(): raise Odd("odd")
def test_surrogate(): assert 0, "\\udcff and \\x00"
def test_huge(): raise ValueError("x" * 3_000_000)
def test_deep():
    def deeper(): deeper()
    deeper()
def test_denied_nowhere(): raise PermissionError(13, "Permission denied", Place())
def test_denied_bytes(): raise PermissionError(13, "Permission denied", b"/etc/\\xff")
def test_denied_number(): raise PermissionError(13, "Permission denied", 7)
def test_denied_odd(): raise PermissionError(("no", 1), object())
def test_group(): raise ExceptionGroup("all", [PermissionError(1, "a"), ValueError("b")])
def test_circle():
    error = ValueError("round"); other = KeyError("and round")
    error.__cause__, other.__cause__ = other, error
    raise error
def test_no_threads(monkeypatch):
    monkeypatch.setattr(threading.Thread, "start", boom)
    assert 0
def test_no_environment():
    with mock.patch.dict(os.environ, clear=True): assert 0
def test_no_sockets():
    with mock.patch("socket.socket", boom): assert 0
@pytest.fixture
def few_files():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)
def test_few_files(few_files): assert 0
@pytest.fixture
def closed():
    before = os.umask(0o777)
    yield
    os.umask(before)
def test_umask(closed): assert 0
def test_stops_its_streams(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr(sys, "stdout", None)
    assert 0
"""
HOSTILE = """
import copy, os, warnings, pytest
from _pytest.runner import runtestprotocol
os.environ["HOME"] = "/nonexistent"
warnings.simplefilter("error")
@pytest.hookimpl(hookwrapper=True, trylast=True)
def pytest_runtest_makereport(item):
    outcome = yield
    report = copy.copy(outcome.get_result())
    report.__dict__.pop("omnitray", None)
    report.location = (report.location[0], None, "")
    report.nodeid += " é\\n\\u2028"
    if report.failed: report.longrepr = "no traceback for you"
    outcome.force_result(report)
@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    for report in runtestprotocol(item, nextitem=nextitem, log=False):
        item.ihook.pytest_runtest_logreport(report=report)
    return True
def pytest_collection_modifyitems(items):
    items.reverse()
    for item in items: item.name += " é"
"""
OWN_ITEMS = """
import pathlib, pytest
pathlib.Path(__file__).with_name("own.yml").write_text("a: 1")
def pytest_collect_file(parent, file_path):
    if file_path.suffix == ".yml": return Own.from_parent(parent, path=file_path)
class Own(pytest.File):
    def collect(self):
        yield OwnItem.from_parent(self, name="good")
        yield OwnItem.from_parent(self, name="wrong: \\u00fc")
class OwnItem(pytest.Item):
    def runtest(self):
        if self.name != "good": raise ValueError(self.name)
    def repr_failure(self, excinfo): return "it is wrong"
    def reportinfo(self): return self.path, None, self.name
"""
