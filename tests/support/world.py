"""A world of its own: a PID namespace in which only the test's processes exist.

What runs inside sees nobody else in /proc and can signal nobody else, so that a protector can be
armed there however busy the rest of the machine is. CPU and memory are the machine's own.
"""

import os
import subprocess

import psutil
import pytest

from support.desktop import tool, wait_until


class World:
    """The namespace; it ends with everything in it."""

    def __init__(self) -> None:
        if os.geteuid() != 0:
            pytest.skip("a PID namespace of its own needs root")
        self._holder = subprocess.Popen(
            [tool("unshare"), "--pid", "--fork", "--kill-child", "--mount-proc", "sleep", "900"],
            start_new_session=True,
        )
        init = wait_until(lambda: _children(self._holder.pid), "the namespace is there")[0]
        self.prefix = (tool("nsenter"), f"--target={init}", "--pid", "--mount", "--")

    def end(self) -> None:
        """Kill everything inside."""
        self._holder.kill()
        self._holder.wait(10)


def inside(outer: int) -> psutil.Process:
    """The process that a command with the prefix became."""
    return psutil.Process(wait_until(lambda: _children(outer), "it has entered")[0])


def _children(pid: int) -> list[int]:
    return [child.pid for child in psutil.Process(pid).children()]
