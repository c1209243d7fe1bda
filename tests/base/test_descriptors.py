"""The reserve of descriptors, in a process whose limit is set to what it has."""

import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import os, resource, sys
from omnitray.base.descriptors import DescriptorReserve
reserve = DescriptorReserve()
assert not reserve.tend() and not reserve.is_spent
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
taken = []
if sys.argv[1] == "limit":
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) - 1, hard))
else:
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
    try:
        while True:
            taken.append(os.dup(0))
    except OSError:
        pass
try:
    open("/dev/null").close()
    sys.exit("there is one left")
except OSError:
    pass
assert reserve.tend() and reserve.is_spent
free = [os.open("/dev/null", os.O_RDONLY) for _ in range(12)]
assert not reserve.tend() and reserve.is_spent
for each in free + taken:
    os.close(each)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
assert reserve.tend() and not reserve.is_spent
assert not reserve.tend()
reserve.close()
print("whole")
"""


@pytest.mark.parametrize("how", ["limit", "leak"])
def test_the_reserve_is_given_away_when_none_is_left_and_taken_back(how: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE, how],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "whole\n", "")
