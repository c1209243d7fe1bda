"""The alert history for several threads: one writes, all may read.

:class:`AlertStore` owns a :class:`.history.History` and the only thread that changes it.
``submit`` returns at once; its future completes when the alert is durable. Whatever waits
at that time is written as one batch, newest version only. Questions are answered on the asking
thread from what the writer published, and never wait for the disk's writes.

What waits is bounded in number and bytes, as a write may never come back (FUSE, NFS): the least
goes, and which alerts are open stays (``history.bounded``).
"""

import errno
import logging
import math
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import msgspec

from omnitray.alerts.channels.deliveries import Deliveries, delivered, failed
from omnitray.alerts.model import Alert
from omnitray.alerts.storage.history import (
    BOUND_EVERY,
    MOST_UNSAVED,
    MOST_UNSAVED_BYTES,
    OPEN,
    History,
    HistoryView,
    Stored,
    bounded,
    weight_of,
)
from omnitray.alerts.storage.query import AlertQuery
from omnitray.base.clock import Clock
from omnitray.base.durable import StorageError
from omnitray.base.facts import AlertChannel
from omnitray.base.subscribers import OneShotReporter


class PendingWrite(msgspec.Struct, gc=False):
    """An alert that waits to be written, its size as JSON, and what tells that it is written."""

    alert: Alert
    due_m: float
    size: int
    future: Future[Path] | None = None


class StoreStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """For doctor: how much was written, waits, or is in memory alone."""

    written: int
    waiting: int
    unsaved: int
    live: int
    fault: str | None


log = logging.getLogger(__name__)
_PACE_S = 1.0  # an alert that is raised in a storm is written once a second
_SETTLE_S = 1.0
# In a flood larger batches cost far less: what would be archived at once gets no file of its own.
_FLOOD_JOBS = 32
_GATHER_S = 0.25
_RETRY_S, _RETRY_MOST_S = 1.0, 60.0
# A flood of 10,000 waits for less than 3 s on a disk that works (docs/benchmarks.md).
MOST_WAITING, MOST_WAITING_BYTES = 20_000, 32 * 1024 * 1024
# A round writes 500 files at most, of 20 ms each on a slow disk; one that hangs never comes back.
HANGS_S = 30.0


class AlertStore:
    """Thread-safe access to the history."""

    def __init__(
        self,
        history: History,
        clock: Clock,
        *,
        deliveries: Deliveries | None = None,
        report: Callable[[str], None] = log.warning,
    ) -> None:
        self._history = history
        self._clock = clock
        self._sayings = OneShotReporter(report)
        self._deliveries = deliveries
        self._condition = threading.Condition()
        self._jobs: dict[str, PendingWrite] = {}
        self._bytes = 0  # of the jobs
        self._unlooked = 0  # jobs that were put since the bounds were looked at
        self._writing: dict[str, PendingWrite] = {}
        self._busy_since_m: float | None = None  # the thread's present round
        self._errands: list[Callable[[], None]] = []
        self._last_m: dict[str, float] = {}
        self._closing = False
        self._written = 0
        self._fault: StorageError | None = None
        self._last_fault: StorageError | None = None
        self._first_due_m = math.inf
        self._gather_until_m = 0.0
        self._settle_m: float | None = None
        self._retry_m: float | None = None
        self._retry_s = _RETRY_S
        self._thread = threading.Thread(target=self._run, name="alert-store", daemon=True)
        self._thread.start()

    # -- writing

    def submit(self, alert: Alert, *, urgent: bool = True) -> Future[Path]:
        """Queue an alert; the future completes when it is durable: ``put`` and ``stored``."""
        self.put(alert, urgent=urgent)
        return self.stored(alert.id)

    def put(self, alert: Alert, *, urgent: bool = True) -> None:
        """Queue an alert; a later version of the same takes its place.

        ``urgent`` False lets repeats of one alert wait for up to a second.
        """
        with self._condition:
            if self._closing:
                return
            now_m = self._clock.monotonic()
            due_m = now_m if urgent else max(now_m, self._last_m.get(alert.id, 0.0) + _PACE_S)
            job, size = self._jobs.get(alert.id), weight_of(alert)
            if job is None:
                self._jobs[alert.id] = PendingWrite(alert, due_m, size)
            else:
                self._bytes -= job.size
                job.alert, job.size = alert, size
                job.due_m = min(job.due_m, due_m)
            self._bytes += size
            refused = self._bound(now_m)
            if due_m < self._first_due_m:  # else the thread wakes early enough by itself
                self._first_due_m = due_m
                self._condition.notify()
        for future in refused:
            future.set_exception(StorageError(self._history.folder, NO_ANSWER))

    def stored(self, id_: str) -> Future[Path]:
        """When an alert that was queued is durable; done already where it is.

        Fails with StorageError when the disk refuses (the alert is then kept in memory and tried
        again), with KeyError for an alert that was neither queued nor stored.
        """
        future: Future[Path] = Future()
        with self._condition:
            job = self._jobs.get(id_) or self._writing.get(id_)
            if job is not None:  # one for all that wait: a disk that hangs lets nothing pile up
                job.future = job.future or future
                return job.future
            fault = self._last_fault if id_ in self._history.view.unsaved else None
        path = None if fault else self.path_of(id_)
        if path is not None:
            future.set_result(path)
        else:
            future.set_exception(fault or KeyError(id_))
        return future

    def refresh(self) -> Future[tuple[Alert, ...]]:
        """Take in what other processes wrote; the alerts that they added or changed."""
        future: Future[tuple[Alert, ...]] = Future()
        with self._condition:
            self._errands.append(lambda: future.set_result(self._history.refresh()))
            self._condition.notify()
        return future

    def close(self, timeout_s: float = 2.0) -> bool:
        """Write what waits and stop; False when that took longer."""
        with self._condition:
            self._closing = True
            self._condition.notify()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    # -- asking, from any thread

    def query(self, query: AlertQuery | None = None) -> list[Alert]:
        """Matching alerts, newest first; also those that wait to be written."""
        return self._history.reader.query(self._view(), query or AlertQuery())

    def get(self, id_: str) -> Alert | None:
        """One alert by its id."""
        return self._history.reader.get(self._view(), id_)

    def open_alerts(self) -> list[Alert]:
        """Firing and acknowledged, newest first; without the archive."""
        return self._history.reader.live(self._view(), OPEN)

    def path_of(self, id_: str) -> Path | None:
        """The file that holds it; None while it is in memory alone."""
        return self._history.reader.path_of(self._history.view, id_)

    def statistics(self) -> StoreStatistics:
        """How things stand."""
        with self._condition:
            fault = str(self._fault) if self._fault else None
            if self._hangs(self._clock.monotonic()):
                fault = str(StorageError(self._history.folder, NO_ANSWER))
            return StoreStatistics(
                written=self._written,
                waiting=len(self._jobs) + len(self._writing),
                unsaved=len(self._history.view.unsaved),
                live=len(self._history.view.entries),
                fault=fault,
            )

    def _view(self) -> HistoryView:
        with self._condition:
            # Taken under the lock: what is being written is either here or in the view.
            view = self._history.view
            jobs = self._writing | self._jobs
            waiting = {id_: job.alert for id_, job in jobs.items()}
            unsaved = {id_: _without_file(alert) for id_, alert in view.unsaved.items()}
            return HistoryView(view.entries, unsaved | waiting)

    # -- bounds, under the lock

    def _hangs(self, now_m: float) -> bool:
        since_m = self._busy_since_m
        return since_m is not None and now_m - since_m > HANGS_S

    def _bound(self, now_m: float) -> list[Future[Path]]:
        """Let the least go where too much waits; the futures of what is not written now."""
        hangs = self._hangs(now_m)
        if hangs:
            self._sayings.say(
                "hangs", f"{self._history.folder} does not answer: alerts are kept in memory"
            )
        most, most_bytes = MOST_WAITING, MOST_WAITING_BYTES
        if hangs:
            most, most_bytes = MOST_UNSAVED, MOST_UNSAVED_BYTES
        self._unlooked += 1
        over = len(self._jobs) > most or self._bytes > most_bytes
        if not over or self._unlooked < BOUND_EVERY:
            return []
        self._unlooked = 0
        found = bounded(
            [job.alert for job in self._jobs.values()],
            most,
            most_bytes,
            says_open=self._says_open,
        )
        gone = [self._jobs.pop(id_) for id_ in found.gone]
        for id_, light in found.lighter.items():
            self._jobs[id_].alert = light
            self._jobs[id_].size = weight_of(light)
        self._bytes = sum(job.size for job in self._jobs.values())
        if gone or found.lighter:
            self._sayings.say(
                "dropped", "the disk takes no alerts for so long that the least are let go"
            )
        return [job.future for job in gone if job.future is not None]

    def _rest(self) -> None:
        self._busy_since_m = None
        self._sayings.over("hangs", f"{self._history.folder} answers again")

    def _says_open(self, id_: str) -> bool:
        """Whether the folder, or what is on its way there, has it as open."""
        if (job := self._writing.get(id_)) is not None:
            return job.alert.state != "resolved"
        return self._history.says_open(id_)

    # -- the thread

    def _run(self) -> None:
        while True:
            with self._condition:
                self._rest()
                while not (self._closing or self._errands or self._due()):
                    self._condition.wait(self._wait_s())
                self._busy_since_m = self._clock.monotonic()
                errands, self._errands = self._errands, []
                jobs = self._take()
                last = self._closing and not jobs
            for errand in errands:
                _kept_going(errand)
            if jobs:
                self._write(jobs)
            _kept_going(self._make_order)
            if last:
                _kept_going(self._history.close)
                return

    def _due(self) -> bool:
        wait_s = self._wait_s()
        return wait_s is not None and wait_s <= 0

    def _wait_s(self) -> float | None:
        dues = [each for each in (self._settle_m, self._retry_m) if each is not None]
        if self._jobs:
            dues.append(max(self._first_due_m, self._gather_until_m))
        return max(0.0, min(dues) - self._clock.monotonic()) if dues else None

    def _take(self) -> list[PendingWrite]:
        now_m = self._clock.monotonic()
        due = {i: job for i, job in self._jobs.items() if self._closing or job.due_m <= now_m}
        self._jobs = {id_: job for id_, job in self._jobs.items() if id_ not in due}
        self._bytes = sum(job.size for job in self._jobs.values())
        self._first_due_m = min((job.due_m for job in self._jobs.values()), default=math.inf)
        self._writing = due
        self._last_m.update(dict.fromkeys(due, now_m))
        if len(self._last_m) > len(due) + 1000:
            recent = {i: m for i, m in self._last_m.items() if now_m - m < _PACE_S}
            self._last_m = recent
        return list(due.values())

    def _write(self, jobs: list[PendingWrite]) -> None:
        outcomes = self._stored(jobs)
        self._note_fault(outcomes)
        self._report(jobs, outcomes)
        with self._condition:
            self._writing = {}  # readers find it in the view from now on
            self._written += sum(isinstance(each, Path) for each in outcomes)
        for job, outcome in zip(jobs, outcomes, strict=True):
            if job.future is None:
                continue
            if isinstance(outcome, Exception):
                job.future.set_exception(outcome)
            else:
                job.future.set_result(outcome)
        now_m = self._clock.monotonic()
        self._gather_until_m = now_m + _GATHER_S if len(jobs) >= _FLOOD_JOBS else now_m
        self._settle_m = now_m + _SETTLE_S

    def _stored(self, jobs: list[PendingWrite]) -> list[Path | Exception]:
        try:
            return list(self._history.store_many([job.alert for job in jobs]))
        except Exception as error:  # one bad alert must not end the history
            if len(jobs) > 1:
                return [outcome for job in jobs for outcome in self._stored([job])]
            log.exception("alert %s cannot be written", jobs[0].alert.id)
            return [error]

    def _report(self, jobs: list[PendingWrite], outcomes: list[Path | Exception]) -> None:
        if self._deliveries is None:
            return
        at = self._clock.wall()
        for job, outcome in zip(jobs, outcomes, strict=True):
            ids = (job.alert.id,)
            if isinstance(outcome, Exception):
                self._deliveries.note(*failed(AlertChannel.FILE, ids, at, f"{outcome}"))
            else:
                self._deliveries.note(*delivered(AlertChannel.FILE, ids, at))

    def _note_fault(self, outcomes: list[Path | Exception] | list[Stored]) -> None:
        failed = [each for each in outcomes if isinstance(each, StorageError)]
        self._fault = failed[0] if failed else None
        self._last_fault = self._fault or self._last_fault
        if failed and self._retry_m is None:
            self._retry_m = self._clock.monotonic() + self._retry_s

    def _make_order(self) -> None:
        now_m = self._clock.monotonic()
        if self._settle_m is not None and now_m >= self._settle_m:
            self._settle_m = None
            self._history.settle()
        if self._retry_m is not None and (now_m >= self._retry_m or self._closing):
            before = self._history.view.unsaved
            left = self._history.retry()
            saved = before.keys() - self._history.view.unsaved.keys()
            if self._deliveries is not None:
                self._deliveries.note(*delivered(AlertChannel.FILE, saved, self._clock.wall()))
            self._retry_s = min(self._retry_s * 2, _RETRY_MOST_S) if left else _RETRY_S
            self._retry_m = now_m + self._retry_s if left else None
            self._fault = self._fault if left else None


NO_ANSWER = OSError(errno.ETIMEDOUT, "it does not answer")


def _without_file(alert: Alert) -> Alert:
    """In memory alone: the file has not taken it."""
    channels = tuple(each for each in alert.channels if each != AlertChannel.FILE)
    return msgspec.structs.replace(alert, channels=channels)


def _kept_going(do: Callable[[], None]) -> None:
    """Whatever goes wrong with the order of the folder, alerts are written further."""
    try:
        do()
    except Exception:
        log.exception("the alert history could not be put in order")
