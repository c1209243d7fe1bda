"""Where Linux tells of ends: the kernel's count, its log, and the journal."""

from omnitray.platforms.linux.journal import SystemdJournal
from omnitray.platforms.linux.kernel_log import KernelLog, KillCount
from omnitray.protector.oom_events.watch import LogFindings, Source

_OPEN = "where no journal is kept, an administrator can open it: sysctl kernel.dmesg_restrict=0"


class LinuxLogs:
    """A ``protector.oom_events.watch.Logs`` over all three; from one thread."""

    def __init__(
        self,
        count: KillCount | None = None,
        kernel: KernelLog | None = None,
        journal: SystemdJournal | None = None,
    ) -> None:
        self._count = count or KillCount()
        self._kernel = kernel or KernelLog()
        self._journal = journal or SystemdJournal()

    def kills(self) -> int | None:
        """The kernel's count of what it has ended."""
        return self._count.read()

    def lines(self) -> tuple[str, ...]:
        """The kernel's new messages."""
        return self._kernel.lines()

    def ask(self, ago_s: float) -> None:
        """Begin to search the journal."""
        self._journal.ask(ago_s)

    def answer(self) -> LogFindings | None:
        """What was found there."""
        return self._journal.answer()

    def sources(self) -> tuple[Source, ...]:
        """What can be read and what cannot; the journal has the kernel's messages, too."""
        kernel, journal = self._kernel.why_not, self._journal.source()
        if kernel and not journal.why_not:
            kernel = ""
        return (Source(name="kernel log", why_not=kernel, remedy=_OPEN), journal)

    def close(self) -> None:
        """Give everything back."""
        self._journal.close()
        self._kernel.close()
        self._count.close()


def log_sources() -> tuple[Source, ...]:
    """What can be read now, and what cannot."""
    logs = LinuxLogs()
    try:
        return logs.sources()
    finally:
        logs.close()
