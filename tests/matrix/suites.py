"""The suites of the matrix, and the plugin that writes down what became of each test."""

RECORDER = """
import json, os
def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(), "recorder")
class Recorder:
    def pytest_runtest_logreport(self, report):
        if report.when == "call" or report.outcome != "passed":
            line = json.dumps([report.nodeid, report.when, report.outcome])
            with open(os.environ["RECORD"], "a") as file:
                file.write(line + "\\n")
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
