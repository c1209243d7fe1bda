"""The protector's worker: owns the timer and the kernel's triggers, asks ``core.protecting``."""

import logging
import select
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import msgspec
from PySide6.QtCore import QObject, QSocketNotifier, Qt, QTimer, Signal, Slot

from omnitray.base.clock import Clock
from omnitray.base.facts import Probe
from omnitray.base.policy import ProtectPolicy
from omnitray.base.process_environment import DescriptorReserve, lacks_descriptors
from omnitray.monitor.sampler import DiskLook
from omnitray.protector import right_now
from omnitray.protector.actuators.executor import ActionPerformer
from omnitray.protector.actuators.journal import ActionJournal
from omnitray.protector.actuators.results import Initiator, UndoResult
from omnitray.protector.actuators.self_test import ActuatorRow
from omnitray.protector.engine import Protecting
from omnitray.protector.guard import GuardSource, next_quick_check
from omnitray.protector.model import Reply
from omnitray.protector.view import ActionFeedback, Explanation, ProtectionView, QuestionView
from omnitray.protector.view_builder import (
    NOT_RUNNING,
    asked,
    is_paused,
    page,
    told_back,
    told_of,
)

log = logging.getLogger(__name__)

_AFTER_FAILURE_S = 1.0
_TRIGGER_REST_MS = 2000  # a trigger fires once a window of two seconds
# On a busy desk something waits for processors all the time: where a step that a trigger asked for
# found nothing at stake, the next ones would too. The quick checks of memory go on meanwhile at the
# pace that headroom asks for, and a step that finds something shortens the rest again.
_IDLE_TRIGGER_REST_MS = 20_000
_VIEW_EVERY_S = 1.0
_DEADLINE_MOVED_S = 1.0  # less is the drift of one clock against the other
_ASKED = "you asked for it"


class Engine(msgspec.Struct, frozen=True):
    """What the worker drives; made on the worker's thread, where it belongs."""

    protecting: Protecting
    actions: ActionPerformer
    journal: ActionJournal
    source: GuardSource
    check_levers: Callable[[], tuple[ActuatorRow, ...]]


class ProtectWorker(QObject):
    """Steps the protector; all results leave as signals."""

    stepped = Signal(object)  # ProtectStep
    view_changed = Signal(object)  # ProtectionView
    questions_changed = Signal(object)  # tuple[protection_view.Question, ...]
    probed = Signal(object)  # Probe
    restored = Signal(object)  # tuple[UndoResult, ...] after a crash
    failed = Signal(str)
    recovered = Signal()  # a step went well after one that had failed
    told = Signal(object)  # ActionFeedback: what came of what the person asked for

    def __init__(self, build: Callable[[], Engine], clock: Clock) -> None:
        super().__init__()
        self._build = build
        self._clock = clock
        self._engine: Engine | None = None
        self._means: tuple[ActuatorRow, ...] = ()
        self._view: ProtectionView | None = None
        self._asked: tuple[QuestionView, ...] = ()
        self._probe: Probe | None = None
        self._viewed_s = float("-inf")
        self._paused_until: float | None = None
        self._reserve = DescriptorReserve()
        self._failure = ""  # of the last step: the log gets each once
        self._idle_delay_s: float | None = None  # the delay of a step that found everything at rest
        self._triggers: list[QSocketNotifier] = []
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_time)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.timeout.connect(self._on_rested)

    @Slot()
    def start(self) -> None:
        """Build on this thread, restore what a crash left behind, then guard."""
        try:
            self._engine = engine = self._build()
            restored = engine.actions.restore_after_crash()
            if restored:
                self.restored.emit(restored)
            self._listen(engine)
        except Exception as error:  # without protection the rest goes on, and it is said
            log.exception("the protector cannot start")
            self.failed.emit(f"Protection cannot start: {error}")
            return
        self._means = _checked(engine)
        self.tick()

    @Slot()
    def tick(self) -> None:
        """One step, and the alarm for the next one, whatever happened."""
        engine = self._engine
        if engine is None:
            return
        delay_s, self._idle_delay_s = _AFTER_FAILURE_S, None
        self._tend_reserve()
        try:
            step = engine.protecting.step()
            delay_s = step.next_delay_s
            self._idle_delay_s = delay_s if step.idle else None
            if not step.idle and self._rest.remainingTime() > _TRIGGER_REST_MS:
                self._rest.start(_TRIGGER_REST_MS)
            self._tell(engine, changed=step.changed)
            if step.notices or step.cleaning or step.recordings:
                self.stepped.emit(step)
            if self._failure:
                self._failure = ""
                self.recovered.emit()
        except Exception as error:  # a guard that ends at a bad reading guards nothing
            if lacks_descriptors(error) and self._tend_reserve():
                delay_s = 0.0  # they were used up within the step: it is repeated with the reserve
            else:
                if self._failure != str(error):
                    log.exception("the protector's step failed")
                self._failure = str(error)
                self.failed.emit(f"A step of the protection failed: {error}")
        self._timer.start(max(0, round(delay_s * 1000)))

    @Slot()
    def stop(self) -> None:
        """Stop looking and give everything back, on this thread."""
        self._timer.stop()
        self._rest.stop()
        for trigger in self._triggers:
            trigger.setEnabled(False)
        self._reserve.close()
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.protecting.undo_all("OmniTray ends", Initiator.PROTECTOR)
            engine.protecting.close()
            engine.source.close()
            engine.journal.close()

    # Commands

    @Slot(object)
    def take_policy(self, policy: ProtectPolicy) -> None:
        """Protect by this from now on."""
        if self._engine is not None:
            protecting = self._engine.protecting
            if set(protecting.policy.protected) - set(policy.protected):
                protecting.protector.allow(None)  # what was taken off the list counts no more
            protecting.policy = policy
            self.tick()
            self._tell(self._engine, changed=True)

    @Slot(object)
    def take_disks(self, look: DiskLook) -> None:
        """How full the disks are; where one fills, a step does not wait for the guard."""
        if self._engine is not None and self._engine.protecting.take_disks(look):
            self.tick()

    @Slot(object)
    def take_pause(self, paused_until: float | None) -> None:
        """Until when (wall clock) it only watches, for the page."""
        self._paused_until = paused_until

    @Slot(object, str)
    def take_reply(self, reply: Reply, title: str) -> None:
        """The person has spoken; ``title`` is how the job is called to them."""
        engine = self._engine
        if engine is None:
            self.told.emit(ActionFeedback(sentence=NOT_RUNNING, job_key=reply.job_key))
            return
        self.told.emit(self.replied(engine, reply, title))

    def replied(self, engine: Engine, reply: Reply, title: str) -> ActionFeedback:
        """Carry a reply out, on this thread; what came of it."""
        known = frozenset(engine.protecting.taken)
        stood = is_paused(engine.protecting, reply.job_key)
        engine.protecting.reply(reply)
        self.tick()
        self._tell(engine, changed=True)
        told = told_of(engine.protecting, engine.actions.active(), known, reply, title)
        if stood and not told.done and not is_paused(engine.protecting, reply.job_key):
            return msgspec.structs.replace(told, sentence=f"{told.sentence} It is paused no more.")
        return told

    @Slot(object)
    def take_undo(self, action_ids: tuple[str, ...] | None) -> None:
        """The person takes these actions back; None: all of them."""
        engine = self._engine
        if engine is None:
            self.told.emit(ActionFeedback(sentence=NOT_RUNNING))
            return
        protecting = engine.protecting
        taken: list[UndoResult] = []
        if action_ids is None:
            taken += protecting.undo_all(_ASKED, Initiator.PERSON)
        for action_id in action_ids or ():
            taken += protecting.undo(action_id, _ASKED, Initiator.PERSON)
        self.tick()
        self._tell(engine, changed=True)
        self.told.emit(told_back(taken))

    @Slot(object, object)
    def run(self, ask: Callable[[Engine], Any], future: "Future[Any]") -> None:
        """Do something with the engine on its thread and answer."""
        if self._engine is None:
            future.set_exception(RuntimeError("the protector does not run"))
            return
        try:
            answer = ask(self._engine)
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets it
            future.set_exception(error)
            return
        self.tick()
        self._tell(self._engine, changed=True)
        future.set_result(answer)

    # Inside

    def _tend_reserve(self) -> bool:
        """Tend the reserve of file descriptors; whether it is given away now."""
        if not self._reserve.tend():
            return False
        if self._reserve.is_spent:
            log.warning("all file descriptors are used up; protection goes on with its reserve")
        else:
            log.info("there are file descriptors again")
        return self._reserve.is_spent

    @Slot()
    def _on_time(self) -> None:
        """A step, or a quick check where nothing has moved since the last one."""
        delay_s = None
        try:
            delay_s = self._quick_check()
        except Exception:  # as in a step: whatever it is, the guard goes on
            log.exception("a quick check at memory failed")
        if delay_s is None:
            self.tick()
        else:
            self._timer.start(round(delay_s * 1000))

    def _quick_check(self) -> float | None:
        """The delay until the next one; None: a step is due."""
        if self._engine is None or self._idle_delay_s is None:
            return None
        since_s = self._engine.source.quick_check()
        return None if since_s is None else next_quick_check(since_s, self._idle_delay_s)

    def _listen(self, engine: Engine) -> None:
        for trigger in engine.source.triggers():
            notifier = notifier_of(trigger, self)
            notifier.activated.connect(self._on_triggered)
            self._triggers.append(notifier)

    @Slot()
    def _on_triggered(self) -> None:
        """Something waited for memory: look now, and listen again when the window is over."""
        for trigger in self._triggers:
            trigger.setEnabled(False)
        self.tick()
        at_stake = self._idle_delay_s is None
        self._rest.start(_TRIGGER_REST_MS if at_stake else _IDLE_TRIGGER_REST_MS)

    @Slot()
    def _on_rested(self) -> None:
        for trigger in self._triggers:
            trigger.setEnabled(True)

    def _tell(self, engine: Engine, *, changed: bool) -> None:
        protecting = engine.protecting
        if protecting.probe is not None and protecting.probe is not self._probe:
            self._probe = protecting.probe
            self.probed.emit(self._probe)
        now = self._clock.monotonic()
        offset_s = self._clock.wall() - now
        questions = tuple(asked(each, offset_s) for each in protecting.protector.open_questions)
        if not _same(questions, self._asked):
            self._asked = questions
            self.questions_changed.emit(questions)
        following = bool(protecting.active) and protecting.effects.following
        due = following and now - self._viewed_s >= _VIEW_EVERY_S
        if not (changed or due or self._view is None):
            return
        self._viewed_s = now
        view = page(
            protecting,
            in_force=engine.actions.active(),
            records=engine.journal.records(),
            means=self._means,
            paused_until=self._paused_until,
            wall_offset_s=offset_s,
        )
        if view != self._view:
            self._view = view
            self.view_changed.emit(view)


def _same(questions: tuple[QuestionView, ...], before: tuple[QuestionView, ...]) -> bool:
    """Whether the same is asked until the same time: a sleep of the machine puts it off."""
    if [each.id for each in questions] != [each.id for each in before]:
        return False
    return all(
        abs((now.deadline or 0.0) - (then.deadline or 0.0)) < _DEADLINE_MOVED_S
        for now, then in zip(questions, before, strict=True)
    )


def notifier_of(trigger: int, parent: QObject) -> QSocketNotifier:
    """What turns a trigger into a signal: POLLPRI where there is epoll, else readable."""
    is_priority = hasattr(select, "epoll")
    kind = QSocketNotifier.Type.Exception if is_priority else QSocketNotifier.Type.Read
    return QSocketNotifier(trigger, kind, parent)


def _checked(engine: Engine) -> tuple[ActuatorRow, ...]:
    """Which actuators work here; without the answer each is tried when it is needed."""
    try:
        return engine.check_levers()
    except OSError as error:
        log.warning("the levers cannot be tried out here: %s", error)
        return ()


def explain_now(engine: Engine) -> Explanation:
    """Who would be acted on now; to be run on the protector's thread."""
    scene = engine.protecting.context()
    if scene is None:
        return Explanation(action_id="", title="Nothing", text="The machine cannot be read.")
    return right_now.now(scene)
