"""What others do around us, as a test tells it: logs of ends, and whose window is active."""

from omnitray.protector.oom_events.watch import LogFindings, LogScope


class ToldLogs:
    """The kernel's count and messages, and a journal; ``slow``: its answers never come."""

    def __init__(self, *, why_not: str = "", slow: bool = False) -> None:
        self.killed: int | None = 0
        self.new: list[str] = []
        self.journal: list[str] = []
        self.why_not = why_not
        self.slow = slow
        self.asked: list[float] = []
        self.closed = False
        self.around = LogScope()
        self._searching = False

    def kills(self) -> int | None:
        return self.killed

    def lines(self) -> tuple[str, ...]:
        told, self.new = tuple(self.new), []
        return told

    def scope(self) -> LogScope:
        return self.around

    def ask(self, ago_s: float) -> None:
        self.asked.append(ago_s)
        self._searching = True

    def answer(self) -> LogFindings | None:
        if not self._searching or self.slow:
            return None
        self._searching = False
        return LogFindings(lines=tuple(self.journal), why_not=self.why_not)

    def close(self) -> None:
        self.closed = True


class ToldForeground:
    """The pids in front."""

    def __init__(self) -> None:
        self.active: frozenset[int] = frozenset()
        self.asked = 0
        self.closed = False

    def pids(self) -> frozenset[int]:
        self.asked += 1
        return self.active

    def close(self) -> None:
        self.closed = True
