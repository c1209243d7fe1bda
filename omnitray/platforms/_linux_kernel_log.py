"""New lines of the kernel's log, where it may be read; else of the journal, by its own command.

``/dev/kmsg`` gives one record a read. Many systems keep it for root and the group ``adm``; the
journal then has the same lines for those groups, and those of earlyoom and systemd-oomd too.
"""

import os
import shutil
import subprocess
from pathlib import Path

_RECORD_BYTES = 8192
_MOST_RECORDS = 1000
_JOURNAL_S = 5.0


class KernelLog:
    """Reads on from where it was opened; what was there before is not told."""

    def __init__(self, path: Path = Path("/dev/kmsg")) -> None:
        self._descriptor: int | None = None
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            os.lseek(self._descriptor, 0, os.SEEK_END)
        except OSError:
            self.close()

    @property
    def why_not(self) -> str:
        """Empty where it can be read."""
        return "" if self._descriptor is not None else "the kernel's log is not for us to read"

    def lines(self) -> tuple[str, ...]:
        """The messages since the last call."""
        found: list[str] = []
        while self._descriptor is not None and len(found) < _MOST_RECORDS:
            try:
                record = os.read(self._descriptor, _RECORD_BYTES)
            except BrokenPipeError:
                continue  # some were overwritten before we came
            except OSError:
                break
            if not record:
                break
            found.append(record.decode("utf-8", "replace").partition(";")[2].rstrip("\n"))
        return tuple(found)

    def close(self) -> None:
        """Give the descriptor back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None


def journal_lines(since_wall_s: float) -> tuple[str, ...]:
    """What the kernel and the guardians wrote to the journal since then; may take a second.

    For the moment after a process was found gone, not for a timer.
    """
    if shutil.which("journalctl") is None:
        return ()
    sources = ["SYSLOG_IDENTIFIER=kernel", "+", "SYSLOG_IDENTIFIER=earlyoom"]
    sources += ["+", "SYSLOG_IDENTIFIER=systemd-oomd", "+", "SYSLOG_IDENTIFIER=nohang"]
    command = [
        "journalctl",
        "--quiet",
        "--no-pager",
        "--output=cat",
        f"--since=@{since_wall_s:.0f}",
    ]
    try:
        done = subprocess.run(
            [*command, *sources], capture_output=True, text=True, timeout=_JOURNAL_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(done.stdout.splitlines())
