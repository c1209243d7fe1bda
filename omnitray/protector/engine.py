"""One step of protecting: read, look closer if something asks for it, decide, do, describe.

    guard source → guard → (scan, jobs, inspector) → ResourceProtector.decide → Actions → view

Everything outside enters as an argument; the delay until the next step is a return value. At rest
a step costs a few small reads and no look at any process. Belongs to one thread.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

import msgspec

from omnitray.base.conditions import is_cpu_over, is_cpu_seen
from omnitray.base.facts import (
    DiskFacts,
    Forecast,
    GuardReading,
    Job,
    OwnFacts,
    Probe,
    ProcessFacts,
    ProtectState,
    Resource,
)
from omnitray.base.policy import ProtectPolicy
from omnitray.monitor.monitor import JobSource
from omnitray.monitor.sampler import DiskLook
from omnitray.processes.inspector import Inspector, Look
from omnitray.protector.actuators.executor import Executor
from omnitray.protector.actuators.results import (
    Initiator,
    UndoResult,
    why_refused,
)
from omnitray.protector.context import CAUSE_LEAST_GROWN, DecisionContext
from omnitray.protector.effects import Effects
from omnitray.protector.environment import Environment, EnvironmentPorts
from omnitray.protector.forecast import DiskForecaster, attributed
from omnitray.protector.guard import Guard, GuardStep
from omnitray.protector.model import (
    Action,
    ActionState,
    ActiveAction,
    Alarm,
    Decision,
    EscalationStep,
    ExclusionReason,
    Facts,
    ProtectReason,
    Question,
    Reply,
    Restore,
    hold_of,
)
from omnitray.protector.model import UndoneByUser as TakenBackFact
from omnitray.protector.notices import (
    IN_FORCE,
    Notice,
    NoticeOver,
    OpenNotices,
    alarm_notice,
    notice_of,
)
from omnitray.protector.protector import ResourceProtector
from omnitray.protector.recorder import Recorder, Recording

UNREADABLE_S = 5.0
# Which means were tried stands in the journal and on the Protection page, not in a pop-up.
REFUSED = "The system refused every means for it; omnitray doctor says which work here"
_WATCH_AGAIN_S = 3600.0
_LOOK_AFTER_S = 1.0
_TAKEN_KEPT = 100  # actions of this run that can still be explained in full
_PROBE_EVERY_S = 2.0
_REPLY_STEPS = tuple(EscalationStep)  # from telling to ending


class GuardReadings(Protocol):
    """What the guard reads from (``guard.GuardSource``)."""

    def read(self) -> GuardReading | None:
        """A reading, or None where memory cannot be read."""
        ...


class InteractiveProbe(Protocol):
    """What measures how long a key press takes (``latency.LatencyProbe``)."""

    def measure(self) -> Probe:
        """Now, and on a quiet machine."""
        ...


class CleanRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Caches of this file system are to be cleaned, or shown what that would free."""

    mount: str
    preview: bool
    dry_run: bool


class ProtectStep(msgspec.Struct, frozen=True, kw_only=True):
    """What a step brought. ``changed``: what the Protection page shows is different now.

    ``idle``: nothing goes on, so that a quick check may do instead of the next step.
    """

    next_delay_s: float
    idle: bool = False
    changed: bool = False
    notices: tuple[Notice | NoticeOver, ...] = ()
    questions: tuple[Question, ...] = ()
    cleaning: tuple[CleanRequest, ...] = ()
    recordings: tuple[Recording, ...] = ()


class WatchRecords:
    """While it only watches: one record a job and hour, and one more for a step further up."""

    def __init__(self) -> None:
        self._written: dict[str, tuple[float, int]] = {}  # by job: when, and how far

    def is_news(self, action: Action, now_s: float) -> bool:
        """Whether to write down what would be done to this job."""
        key, step = action.job_key or action.resource.value, _REPLY_STEPS.index(action.step)
        self._written = {
            job: (at_s, far)
            for job, (at_s, far) in self._written.items()
            if now_s - at_s < _WATCH_AGAIN_S
        }
        at_s, far = self._written.get(key, (now_s, -1))
        if step <= far:
            return False
        self._written[key] = (at_s, step)
        return True


class Protecting:
    """The protector's life, step by step."""

    def __init__(  # noqa: PLR0913 - the seams of everything that it reads and moves
        self,
        *,
        source: GuardReadings,
        scan: Callable[[], Sequence[ProcessFacts]],
        jobs: JobSource,
        inspector: Inspector,
        protector: ResourceProtector,
        executor: Executor,
        probe: InteractiveProbe,
        own: Callable[[], OwnFacts],
        cores: int,
        policy: ProtectPolicy,
        around: EnvironmentPorts | None = None,
        cpu_s: Callable[[], float] = time.thread_time,
    ) -> None:
        self._source = source
        self._scan = scan
        self._jobs_of = jobs
        self._inspector = inspector
        self._executor = executor
        self._probe = probe
        self._own = own
        self._cores = cores
        self._guard = Guard(cpu_s)
        self._disk_forecaster = DiskForecaster()
        self._disk_forecasts: tuple[Forecast, ...] = ()
        self._filling: frozenset[str] = frozenset()  # mounts that would be full within minutes
        self._probed: tuple[float, Probe] | None = None
        self._replies: list[Reply] = []
        self._taken_back: list[TakenBackFact] = []
        self._open_notices = OpenNotices()
        self._watched = WatchRecords()
        self._in_force: set[tuple[str, ActionState]] = set()
        self._now_s = 0.0
        self._looked_s = float("-inf")
        self._looks_anyway = False
        self._surroundings = Environment(around or EnvironmentPorts())
        self._scanned: Sequence[ProcessFacts] = ()
        self.policy = policy
        self.protector = protector
        self.recorder = Recorder(protector.run)
        self.effects = Effects()
        self.disks: tuple[DiskFacts, ...] = ()
        self.reading: GuardReading | None = None
        self.forecast: Forecast | None = None
        self.taken: dict[str, Action] = {}
        self.refusals: dict[str, str] = {}  # by action: why nothing of it could be done

    @property
    def excluded_jobs(self) -> dict[str, ExclusionReason]:
        """The jobs that the person has taken out since the start, by key."""
        return self.protector.excluded_jobs(self._now_s)

    @property
    def active(self) -> tuple[ActiveAction, ...]:
        """What is in force, was refused a moment ago, or would have been done."""
        return self._executor.active()

    @property
    def probe(self) -> Probe | None:
        """The newest measure of how long a key press takes, with its moment."""
        return self._probed[1] if self._probed else None

    @property
    def neighbours(self) -> tuple[str, ...]:
        """The OOM daemons that run here, in sentences."""
        return self._surroundings.sentences(self.effective.limits.memory_floor_percent)

    @property
    def effective(self) -> ProtectPolicy:
        """The policy with a floor that comes before those of the OOM daemons here."""
        return self._surroundings.before_theirs(self.policy)

    def reply(self, reply: Reply) -> None:
        """The person has replied; the next step takes it."""
        self._replies.append(reply)
        self._looks_anyway = True

    def take_disks(self, look: DiskLook) -> bool:
        """The disks as they are now; whether one fills so fast that a step is due."""
        self.disks, self._filling = look.disks, look.filling
        self._disk_forecasts = self._disk_forecaster.add(look.at_mono_s, look.disks)
        return bool(self._filling) and self.policy.state is not ProtectState.OFF

    def step(self) -> ProtectStep:
        """Read, decide, do."""
        self._guard.begin()
        reading = self._source.read()
        if reading is None:
            return ProtectStep(next_delay_s=UNREADABLE_S)
        self.reading, self._now_s = reading, reading.monotonic_s
        looked_after = self._executor.look(hurry=self.protector.hurries)
        self._surroundings.meet(reading.monotonic_s)
        policy = self.effective  # with the lines of the daemons that were just met
        held = bool(self.active) or bool(self.protector.open_questions) or policy.looks_for_jobs
        self._looks_anyway |= self._is_recording_due()
        guard = self._guard.observe(reading, policy, held=held)
        facts = self._with_news(self._facts(reading, guard))
        self.effects.observe(reading, facts.probe)
        number = self.protector.next_number
        decisions = self.protector.decide(facts, policy, reading.monotonic_s)
        self.recorder.add(facts, policy, reading.monotonic_s, decisions, number)
        if facts.jobs:
            percent, uid = reading.cpu_percent, facts.own.uid
            is_own = is_cpu_seen(percent, facts.cores, facts.jobs, uid)
            self._guard.looked(cpu_is_others=not is_own)
        notices = [
            *self._carry_out(decisions),
            *self._open_notices.over(
                self.active, reading, policy.limits, self.protector.disks_in_danger, facts.jobs
            ),
            *self._foreign(reading),
        ]
        ended = bool(looked_after.ended or looked_after.gone)
        delay_s = self._surroundings.delay(self._delay(guard, looked_after.next_s))
        danger = self.protector.disk_in_danger or self._filling or self.recorder.is_asked
        return ProtectStep(
            next_delay_s=delay_s,
            idle=guard.idle and delay_s == guard.delay_s and not (held or decisions or danger),
            changed=bool(decisions) or ended or self._has_changed(),
            notices=tuple(notices),
            questions=self.protector.open_questions,
            cleaning=tuple(_cleaning(decisions)),
            recordings=self.recorder.take_due(reading.monotonic_s),
        )

    def _has_changed(self) -> bool:
        """Whether something else is in force than after the step before."""
        before, self._in_force = self._in_force, {(e.action.id, e.state) for e in self.active}
        return self._in_force != before

    def context(self) -> DecisionContext | None:
        """The moment as it would be decided about now; None where nothing can be read."""
        reading = self._source.read()
        if reading is None:
            return None
        jobs = self._jobs_of.update(self._scan())
        look = self._look(jobs, reading, every_tie=True)
        facts = self._facts_with(reading, jobs, look, self.forecast)
        return self.protector.context(facts, self.effective, reading.monotonic_s)

    def undo(self, action_id: str, reason: str, who: Initiator) -> tuple[UndoResult, ...]:
        """Undo one action on request; by the name of a hold, all that it is made of."""
        ids = {each.action.id for each in self.active if hold_of(each.action.id) == action_id}
        ids = ids or {action_id}
        held = self._held_by(ids)
        undone = [done for each in sorted(ids) for done in self._executor.undo(each, reason, who)]
        self._remember(held, who)
        return tuple(undone)

    def undo_all(self, reason: str, who: Initiator) -> tuple[UndoResult, ...]:
        """Take everything back."""
        held = self._held_by({each.action.id for each in self.active})
        undone = self._executor.undo_all(reason, who)
        self._remember(held, who)
        return undone

    def _held_by(self, action_ids: set[str]) -> list[TakenBackFact]:
        held = (each.action for each in self.active if each.state in IN_FORCE)
        return [
            TakenBackFact(job_key=action.job_key, step=action.step, title=action.title)
            for action in held
            if action.id in action_ids
        ]

    def _remember(self, held: list[TakenBackFact], who: Initiator) -> None:
        """What a person has taken back is not done again at once."""
        if who is not Initiator.PROTECTOR:
            self._taken_back += held

    def record(self, for_s: float) -> str:
        """Record all that is decided from, from now on for so long; the recording's name."""
        return self.recorder.ask(self._now_s, for_s)

    def close(self) -> None:
        """Give back what was opened to look around."""
        self._surroundings.close()

    # Reading

    def _facts(self, reading: GuardReading, guard: GuardStep) -> Facts:
        self.forecast = guard.forecast
        if not (self._is_to_look(guard) or self._looks_anyway):
            return self._facts_with(reading, (), Look({}, {}), guard.forecast)
        self._looks_anyway = False
        self._looked_s = reading.monotonic_s
        self._scanned = self._scan()
        jobs = self._jobs_of.update(self._scanned)
        self._forget_watched(jobs)
        if guard.forecast is not None:
            least_bytes = CAUSE_LEAST_GROWN * reading.memory.total_bytes
            self.forecast = attributed(guard.forecast, jobs, least_bytes)
        named = bool(self._replies) or self.policy.pauses_by_rule
        look = self._look(jobs, reading, every_tie=named)
        return self._facts_with(reading, jobs, look, self.forecast)

    def _is_recording_due(self) -> bool:
        """Whether a recording that was asked for wants another look at the processes."""
        return self.recorder.is_asked and self._now_s - self._looked_s >= _LOOK_AFTER_S

    def _is_to_look(self, guard: GuardStep) -> bool:
        """Whether something asks for a look at the processes; nothing does when switched off."""
        if self.policy.state is ProtectState.OFF:
            return bool(self.active)
        if guard.wants_scan or self.protector.disk_in_danger:
            return True
        # Who writes is known at the second look: it begins before the disk is in danger.
        soon = any(each.high_s < self.policy.disk_runs_out_s for each in self._disk_forecasts)
        return soon or (bool(self._filling) and self._now_s - self._looked_s >= _LOOK_AFTER_S)

    def _with_news(self, facts: Facts) -> Facts:
        """With what is reported once only: it must be decided about, not just read."""
        replies, self._replies = tuple(self._replies), []
        taken_back = (*self._taken_back, *self._executor.take_let_run())
        self._taken_back = []
        return msgspec.structs.replace(
            facts,
            disk_forecasts=self._disk_forecasts,
            ended=self._executor.take_ended(),
            replies=replies,
            taken_back=taken_back,
        )

    def _forget_watched(self, jobs: tuple[Job, ...]) -> None:
        """What would have been held and has ended: there is nothing that could tell us."""
        there = {job.key for job in jobs}
        for each in self.active:
            if each.state is ActionState.WATCHED and each.action.job_key not in there:
                self._executor.undo(each.action.id, "its processes have ended", Initiator.PROTECTOR)

    def _facts_with(
        self, reading: GuardReading, jobs: tuple[Job, ...], look: Look, forecast: Forecast | None
    ) -> Facts:
        return Facts(
            reading=reading,
            jobs=jobs,
            details=look.details,
            ties=look.ties,
            pss_bytes=look.pss_bytes,
            foreground_pids=self._surroundings.foreground(jobs, look.details),
            server_pids=self._surroundings.servers(jobs),
            hands_over=self._surroundings.hands_over(jobs),
            own=self._own() if jobs else OwnFacts(),
            cores=min(self._cores, reading.quota_cores or self._cores),
            memory_forecast=forecast,
            disks=self.disks,
            disk_forecasts=self._disk_forecasts,
            probe=self._probe_reading(reading),
            active=self.active,
            neighbours=self.neighbours,
        )

    def _look(self, jobs: tuple[Job, ...], reading: GuardReading, *, every_tie: bool) -> Look:
        line = 0.0 if self.protector.disk_in_danger else self.policy.disk_clean_percent
        filling = tuple(
            disk.mount
            for disk in self.disks
            if disk.used_percent >= line or disk.mount in self._filling
        )
        now_s = reading.monotonic_s
        return self._inspector.look(jobs, now_s, filling=filling, every_tie=every_tie)

    def _probe_reading(self, reading: GuardReading) -> Probe | None:
        """How long a key press takes: asked only while the processors are short or held."""
        busy = is_cpu_over(reading.cpu_percent, self.policy.limits)
        held = any(each.action.resource is Resource.CPU for each in self.active)
        if not (busy or held):
            return None
        now = reading.monotonic_s
        if self._probed is None or now - self._probed[0] >= _PROBE_EVERY_S:
            measured = self._probe.measure()
            self._probed = (now, msgspec.structs.replace(measured, measured_mono_s=now))
        return self._probed[1]

    def _foreign(self, reading: GuardReading) -> list[Notice | NoticeOver]:
        """What other programs have ended since the last step."""
        ends = (each for each in self.taken.values() if each.step is EscalationStep.END)
        ours = frozenset(target.pid for each in ends for target in each.targets)
        scanned, self._scanned = self._scanned, ()
        return self._surroundings.ended(reading, scanned, ours)

    # Doing

    def _carry_out(self, decisions: Sequence[Decision]) -> list[Notice | NoticeOver]:
        notices: list[Notice | NoticeOver] = []
        for decision in decisions:
            if isinstance(decision, Action) and not decision.cleans:
                notice = self._act(decision)
                is_rule = decision.reason is ProtectReason.RULE_ALWAYS
                if notice is not None and not is_rule:  # a rule holds: nothing is wrong
                    notices.append(notice)
            elif isinstance(decision, Restore):
                self._executor.undo(
                    decision.action_id, decision.reason.sentence, Initiator.PROTECTOR
                )
            elif isinstance(decision, Alarm):
                self._open_notices.alarm(decision)
                notices.append(alarm_notice(decision))
        return notices

    def _act(self, action: Action) -> Notice | None:
        """Do it; None where it only would be done and has been written down within the hour."""
        if action.dry_run and not self._watched.is_news(action, self._now_s):
            self._executor.note_watched(action)
            return None
        self.taken[action.id] = action
        while len(self.taken) > _TAKEN_KEPT:
            del self.taken[next(iter(self.taken))]
        self.effects.forget(set(self.taken))
        if action.step is EscalationStep.TELL:
            self._open_notices.begin(action)
            return notice_of(action)
        if self.reading is not None:
            probe = self._probed[1] if self._probed else None
            self.effects.begin(action.id, action.resource, self.reading, probe)
        done = self._executor.carry_out([action])
        self.refusals = {key: why for key, why in self.refusals.items() if key in self.taken}
        refused = self.refusals[action.id] = why_refused(done)
        if refused:
            self.protector.refused(action)
            self.recorder.refused(action.id)
        if done and all(each.is_void for each in done):
            del self.taken[action.id]  # there was nothing to do, so nothing is said of it
            return None
        if action.reason is not ProtectReason.RULE_ALWAYS:
            self._open_notices.begin(action)
        if action.step is not EscalationStep.SLOW_DOWN:
            self._guard.acted()
        asked = self._is_asked_about(action)
        return notice_of(action, refused=REFUSED if refused else "", asked=asked)

    def _is_asked_about(self, action: Action) -> bool:
        """Whether the question about this job reports it: one event is reported once."""
        open_ = (each.job_key for each in self.protector.open_questions)
        return action.step is EscalationStep.PAUSE and action.job_key in open_

    def _delay(self, guard: GuardStep, look_after_s: float | None) -> float:
        if self._looks_anyway:
            return 0.0
        if self.recorder.is_asked:
            return min(guard.delay_s, _LOOK_AFTER_S)
        if self.protector.disk_in_danger or self._filling:
            look_after_s = min(look_after_s or _LOOK_AFTER_S, _LOOK_AFTER_S)
        if look_after_s is not None:
            return min(guard.delay_s, look_after_s)
        return min(guard.delay_s, _LOOK_AFTER_S) if self.active else guard.delay_s


def _cleaning(decisions: Iterable[Decision]) -> Iterator[CleanRequest]:
    for each in decisions:
        if isinstance(each, Action) and each.cleans:
            yield CleanRequest(mount=each.mount or "/", preview=each.preview, dry_run=each.dry_run)
