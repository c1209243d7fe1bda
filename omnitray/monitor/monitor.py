"""ProgressiveMonitor: takes snapshots at the pace of the level and says what changed.

``step()`` takes one snapshot, follows the thresholds, keeps the level, and returns what happened
together with the delay until it wants to be called again. It owns no timer and no thread; the
ring and the newest scan may be read from any thread.

While a threshold is being waited out the monitor looks every second at the least (or when the wait
is over, whichever comes first), so that an alert at IDLE is not 30 s late. A level is never slowed
by that, only hurried.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from omnitray.base.clock import Clock
from omnitray.base.conditions import HoldTimer, is_cpu_seen
from omnitray.base.facts import Job, MonitorLevel, ProcessFacts, Resource, Snapshot
from omnitray.base.policy import MonitorPolicy
from omnitray.base.subscribers import Callback, Subscribers
from omnitray.monitor.history import Report, ReportKeeper, SnapshotRing
from omnitray.monitor.levels import RHYTHMS, LevelChange, LevelKeeper, LevelReason
from omnitray.monitor.thresholds import (
    AlarmLevel,
    ThresholdMonitor,
    Transition,
    Watched,
    is_gone,
    values,
)

_ALWAYS = (Watched(Resource.CPU), Watched(Resource.MEMORY))  # disks come and go
_HURRY_S = 1.0  # as INTENSIVE looks: a hold of 3 s is overshot by a third at most
_LEAST_S = 0.1  # as the guard's shortest
_BY_OTHERS_S = 30.0  # busy for so long: a build's short processes are between two looks at times
_BREAK = 2.5  # a gap of so many delays is a break in the readings
_LEAP_S = 3.0  # the clocks part by so much: a suspend, or a clock that was set
_UNSHARED_JOBS = 3
_LONG_S = 60.0  # nothing runs for so long but a sleeping machine


class SnapshotSource(Protocol):
    """What takes snapshots (see ``core.sampler``)."""

    def sample(self, level: MonitorLevel) -> Snapshot:
        """One reading of the machine."""
        ...

    def reset(self) -> None:
        """Forget the previous reading: the next one has no rates."""
        ...


class JobSource(Protocol):
    """What groups a scan into jobs (see ``core.jobs``)."""

    def update(self, processes: Sequence[ProcessFacts], /) -> tuple[Job, ...]:
        """The jobs of a scan, the heaviest first."""
        ...

    def with_pss(self, jobs: Sequence[Job], /) -> tuple[Job, ...]:
        """The same with the proportional set size of the first few: dear, for reports only."""
        ...


class MonitorStep(msgspec.Struct, frozen=True, kw_only=True):
    """What one step found. ``report`` is there when the level's rhythm asks for one.

    ``level_overrides`` says why the level is not the one that is asked for, None where it is.
    """

    snapshot: Snapshot
    jobs: tuple[Job, ...]
    transitions: tuple[Transition, ...]
    level_changes: tuple[LevelChange, ...]
    report: Report | None
    next_delay_s: float
    level_overrides: LevelReason | None = None


class ProgressiveMonitor:
    """Watches progressively; one instance belongs to one thread but for ring and scan."""

    def __init__(
        self,
        sampler: SnapshotSource,
        scan: Callable[[], Sequence[ProcessFacts]],
        jobs: JobSource,
        clock: Clock,
        policy: MonitorPolicy | None = None,
        own_uid: int | None = None,
    ) -> None:
        self.ring = SnapshotRing()
        self.processes: Sequence[ProcessFacts] = ()  # of the newest scan
        self.snapshots: Subscribers[Snapshot] = Subscribers()
        self.reports: Subscribers[Report] = Subscribers()
        self._sampler = sampler
        self._scan = scan
        self._jobs = jobs
        self._clock = clock
        self.policy = policy or MonitorPolicy()
        self._keeper = LevelKeeper(self.policy.level, self.policy.calm_s)
        self._watches = {each: _watch(each, self.policy) for each in _ALWAYS}
        self._told: dict[Watched, AlarmLevel] = {}
        self._reports = ReportKeeper()
        self._reported_s = clock.monotonic()
        self._grace_until_s = clock.monotonic() + self.policy.grace_s
        self._last: Snapshot | None = None
        self._critical_disks: frozenset[Watched] = frozenset()
        self._expected_s = RHYTHMS[self._keeper.current].look_s
        self._own_uid = own_uid
        self._busy_by_others = HoldTimer()
        self._are_others_busy = False

    @property
    def level(self) -> MonitorLevel:
        """The level in force."""
        return self._keeper.current

    @property
    def chosen_level(self) -> MonitorLevel | None:
        """The person's choice; None is automatic."""
        return self._keeper.chosen

    def set_level(self, level: MonitorLevel | None, by: str = "") -> LevelChange | None:
        """Ask for a level, or None for automatic; an escalation in force stays until it is calm.

        ``by`` names who asks where it is not the person.
        """
        return self._keeper.choose(level, by)

    def escalate(self) -> LevelChange | None:
        """A critical alert came from elsewhere: look closely for a while."""
        return self._keeper.escalate(self._clock.monotonic(), LevelReason.CRITICAL_ALERT)

    def set_policy(self, policy: MonitorPolicy) -> None:
        """Take up changed settings; a threshold that did not change keeps its state.

        The level is not taken from it: what is chosen comes through :meth:`set_level`.
        """
        for watched in self._watches:
            name = watched.resource.value
            if getattr(policy.thresholds, name) != getattr(self.policy.thresholds, name):
                self._watches[watched] = _watch(watched, policy)
        self.policy = policy
        self._keeper.calm_s = policy.calm_s

    def add_callback(self, callback: Callback[Snapshot]) -> Callable[[], None]:
        """Call (or schedule, when it is a coroutine function) with each snapshot."""
        return self.snapshots.add(callback)

    def step(self) -> MonitorStep:
        """Take a snapshot and say what changed."""
        now = self._clock.monotonic()
        snapshot = self._sampler.sample(self.level)
        self.processes = processes = self._scan()
        jobs = self._jobs.update(processes)
        taking_s = self._clock.monotonic() - now
        snapshot = msgspec.structs.replace(snapshot, processes=len(processes), cost_s=taking_s)
        self._notice_break(snapshot)
        self.ring.append(snapshot)
        self._reports.add(snapshot)
        transitions = self._follow(snapshot)
        jobs = self._with_unshared(jobs)
        changes = self._keep_level(snapshot, jobs)
        report = self._report_if_due(jobs)
        self._last = snapshot
        self._expected_s = self._delay()
        self.snapshots.notify(snapshot)
        return MonitorStep(
            snapshot=snapshot,
            jobs=jobs,
            transitions=transitions,
            level_changes=changes,
            report=report,
            next_delay_s=self._expected_s,
            level_overrides=self._keeper.overrides,
        )

    def _notice_break(self, shot: Snapshot) -> None:
        last = self._last
        if last is None:
            return
        steady_s = shot.monotonic_s - last.monotonic_s
        leap_s = shot.taken_at - last.taken_at - steady_s
        if abs(leap_s) > _LEAP_S or steady_s > max(_LEAP_S, _BREAK * self._expected_s):
            for watch in self._watches.values():
                watch.forget()
        # The steady clock stands still during a suspend here, elsewhere it may run on. A shorter
        # gap is a starved machine, when keeping quiet would be wrong; so is a clock set back.
        if leap_s > _LEAP_S or steady_s > max(_LONG_S, _BREAK * self._expected_s):
            self._grace_until_s = shot.monotonic_s + self.policy.grace_s

    def _follow(self, shot: Snapshot) -> tuple[Transition, ...]:
        now = values(shot)
        for watched in now:
            if watched not in self._watches:
                self._watches[watched] = _watch(watched, self.policy)
        told = []
        for watched, watch in list(self._watches.items()):
            value = now.get(watched)
            moved = watch.observe(value, shot.monotonic_s)
            news = self._news(watch, moved, value, shot.monotonic_s)
            if is_gone(watched, shot):
                news = self._forget(watched)
            if news is not None:
                self._told[watched] = news.after
                told.append(news)
        return tuple(told)

    def _forget(self, disk: Watched) -> Transition | None:
        """A disk that was unplugged is no longer full."""
        del self._watches[disk]
        before = self._told.pop(disk, AlarmLevel.CLEAR)
        if before is AlarmLevel.CLEAR:
            return None
        return Transition(
            resource=disk.resource,
            mount=disk.mount,
            before=before,
            after=AlarmLevel.CLEAR,
            value=0.0,
            threshold=self.policy.thresholds.disk.warning,
        )

    def _news(
        self, watch: ThresholdMonitor, moved: Transition | None, value: float | None, now: float
    ) -> Transition | None:
        """What is to be reported: a warning in the time of grace waits until the grace is over."""
        before = self._told.get(watch.watched, AlarmLevel.CLEAR)
        if watch.height == before or value is None:
            return None
        if (
            watch.height is AlarmLevel.WARNING
            and before is AlarmLevel.CLEAR
            and now < self._grace_until_s
        ):
            return None
        if moved is not None:
            return msgspec.structs.replace(moved, before=before)
        band = getattr(self.policy.thresholds, watch.watched.resource.value)
        return Transition(
            resource=watch.watched.resource,
            mount=watch.watched.mount,
            before=before,
            after=watch.height,
            value=value,
            threshold=band.warning,
        )

    def _keep_level(self, shot: Snapshot, jobs: Sequence[Job]) -> tuple[LevelChange, ...]:
        changes = []
        # A disk stays full for weeks: it raises the level when it becomes critical, not for ever.
        critical = {
            watched
            for watched, watch in self._watches.items()
            if watch.height is AlarmLevel.CRITICAL
        }
        disks = frozenset(each for each in critical if each.resource is Resource.DISK)
        is_new, self._critical_disks = bool(disks - self._critical_disks), disks
        # Nothing can be done about what others take, however closely it is looked.
        futile = {Watched(Resource.CPU)} if self._is_busy_by_others(shot, jobs) else set()
        if critical - disks - futile or is_new:
            changes.append(self._keeper.escalate(shot.monotonic_s, LevelReason.CRITICAL_RESOURCE))
        why = LevelReason.BY_OTHERS if critical & futile else LevelReason.CALM
        changes.append(self._keeper.tick(shot.monotonic_s, why))
        if self.policy.save_on_battery and shot.battery is not None:
            changes.append(self._keeper.use_battery(discharging=shot.battery.discharging))
        return tuple(change for change in changes if change is not None)

    def _is_busy_by_others(self, shot: Snapshot, jobs: Sequence[Job]) -> bool:
        """Whether the processors have been busy for a while by what no job of this user takes."""
        if shot.cpu_percent is None:  # as of the first reading at another pace
            return self._are_others_busy
        cores = float(len(shot.cpu_per_core_percent) or 1)
        busy = not is_cpu_seen(shot.cpu_percent, cores, jobs, self._own_uid)
        held_s = self._busy_by_others.true_for("cpu", shot.monotonic_s, condition=busy)
        self._are_others_busy = held_s >= _BY_OTHERS_S
        return self._are_others_busy

    def _with_unshared(self, jobs: tuple[Job, ...]) -> tuple[Job, ...]:
        """While memory is over its threshold: the largest jobs with shared pages counted once."""
        if self._watches[Watched(Resource.MEMORY)].height is AlarmLevel.CLEAR:
            return jobs
        largest = sorted(jobs, key=lambda job: -job.rss_bytes)[:_UNSHARED_JOBS]
        measured = {job.key: job for job in self._jobs.with_pss(largest)}
        return tuple(measured.get(job.key, job) for job in jobs)

    def _report_if_due(self, jobs: tuple[Job, ...]) -> Report | None:
        now = self._clock.monotonic()
        if now - self._reported_s < RHYTHMS[self.level].report_s:
            return None
        self._reported_s = now
        report = self._reports.take(self.level, self._jobs.with_pss(jobs))
        self.reports.notify(report)
        return report

    def _delay(self) -> float:
        now = self._clock.monotonic()
        look_s = RHYTHMS[self.level].look_s
        waits = [watch.left_s(now) for watch in self._watches.values()]
        pending = [left for left in waits if left is not None]
        if not pending:
            return look_s
        return max(_LEAST_S, min(look_s, _HURRY_S, *pending))


def _watch(watched: Watched, policy: MonitorPolicy) -> ThresholdMonitor:
    return ThresholdMonitor(watched, getattr(policy.thresholds, watched.resource.value))
