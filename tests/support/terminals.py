"""A real terminal: a shell under a pty, typed into and read from."""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

PATIENCE_S = 30.0
PROMPT = "READY> "


class TypedShell:
    """``bash`` with job control on a terminal of 24 × 300: no line wraps."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.seen = ""
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            (folder / "inputrc").write_text("set enable-bracketed-paste off\n", encoding="ascii")
            shown = {
                **environ,
                "PS1": PROMPT,
                "TERM": "xterm",
                "INPUTRC": "inputrc",
                "HISTFILE": "/dev/null",
            }
            os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], shown)  # noqa: S606
        self.resize(24, 300)
        self.wait_for(PROMPT)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._master)
        for pid in self._session():  # also what runs behind it: a killed shell ends no jobs
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def _session(self) -> list[int]:
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdecimal() and os.getsid(int(entry.name)) == self.pid:
                    found.append(int(entry.name))
        return found

    def type(self, keys: str) -> None:
        """Press keys; what was seen before no longer counts."""
        self.seen = ""
        os.write(self._master, keys.encode())

    def line(self, text: str) -> None:
        """A line and Enter; waits until it is echoed, so that it is not taken for an answer."""
        self.type(f"{text}\n")
        self.wait_for(re.escape(text[-20:]) + r"\r?\n")

    def done(self) -> str:
        """What was printed until the prompt is back."""
        return self.wait_for(re.escape(PROMPT)).removesuffix(PROMPT)

    def press(self, key: str) -> str:
        """One key until the prompt is back; again every 3 s, where a program has thrown it away.

        ``less`` does that by itself, without any wrapper, while it sets up the terminal. What is
        left over at the prompt is rubbed out.
        """
        ends = time.monotonic() + PATIENCE_S
        while True:
            self.type(key)
            try:
                found = self.wait_for(re.escape(PROMPT), patience_s=3.0)
            except AssertionError:
                if time.monotonic() > ends:
                    raise
                continue
            os.write(self._master, b"\x15")
            return found

    def wait_for(self, pattern: str, patience_s: float = PATIENCE_S) -> str:
        """Read until it matches; what was seen up to there."""
        ends = time.monotonic() + patience_s
        while (found := re.search(pattern, self.seen)) is None:
            ready, _, _ = select.select([self._master], [], [], max(0.0, ends - time.monotonic()))
            assert ready, f"{pattern!r} never came, but: {self.seen!r}"
            with contextlib.suppress(OSError):  # EIO: everybody has closed it
                self.seen += os.read(self._master, 65536).decode(errors="replace")
        before, self.seen = self.seen[: found.end()], self.seen[found.end() :]
        return before.replace("\r\n", "\n")

    def resize(self, rows: int, columns: int) -> None:
        """As dragging the window's corner does."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
