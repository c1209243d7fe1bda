"""Free memory goes back to the system."""

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

from omnitray.base import allocator

CODE = """
import ctypes
from omnitray.base.allocator import give_back, use_few_arenas
assert use_few_arenas()
def rss():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
blocks = [libc.malloc(50_000) for _ in range(1000)]
for each in blocks:
    ctypes.memset(each, 1, 50_000)
full = rss()
for each in blocks[:-1]:
    libc.free(ctypes.c_void_p(each))
assert full - rss() < 10_000_000
assert give_back()
assert full - rss() > 40_000_000
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's own")
def test_what_is_free_below_something_that_lives_is_given_back() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    assert not allocator.use_few_arenas()
    assert not allocator.give_back()

    def unknown(_name: object) -> object:
        raise TypeError

    monkeypatch.setattr(ctypes, "CDLL", unknown)
    assert not allocator.give_back()
