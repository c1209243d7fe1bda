"""Protection as the main thread sees it: the newest view, commands, news.

The protector lives on a thread of its own (``protect_worker``); this object hands it what the
person wants and turns what it says into alerts and notifications.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import msgspec
from PySide6.QtCore import QObject, QTimer, Signal, SignalInstance, Slot

from omnitray.api import facade, wire
from omnitray.api.bodies import question_body
from omnitray.base.clock import Clock
from omnitray.base.facts import AlertType, Job, Mode, ProtectState, Severity
from omnitray.base.policy import ProtectPolicy
from omnitray.protector.actuators.results import UndoResult
from omnitray.protector.engine import ProtectStep
from omnitray.protector.exclusions.rules import meant_by_name
from omnitray.protector.inspection import Wanted
from omnitray.protector.model import EscalationStep, Reply
from omnitray.protector.notices import Notice, NoticeOver
from omnitray.protector.view import (
    ActionFeedback,
    Answer,
    Explanation,
    HoldKind,
    ProtectionView,
    QuestionView,
    not_asked,
)
from omnitray.protector.view_builder import NOTHING_HELD, empty_page, holding
from omnitray.runtime.cleaning import Cleaned, Cleaning, CleaningQueue
from omnitray.runtime.hub import Hub
from omnitray.runtime.protection_commands import (
    ALWAYS_SLOW_DOWN,
    ProtectCommands,
    cleaned_notice,
    prompt,
    protected_word,
)
from omnitray.runtime.protection_worker import Engine, ProtectWorker, explain_now
from omnitray.runtime.settings_keeper import SettingsKeeper, sentences
from omnitray.runtime.workers import InspectionThread, RecordingThread, WorkerThread
from omnitray.settings.file import Loaded

log = logging.getLogger(__name__)

_EXPLAIN_S = 10.0  # it is asked when the machine is loaded
_WORTH_BYTES = 50_000_000  # less is no news on a disk that is nearly full


class ProtectionFacade(QObject):
    """Holds the newest view; hands commands to the protector."""

    view_changed = Signal(object)  # ProtectionView
    question_changed = Signal(object)  # QuestionView, or None
    told = Signal(object)  # ActionFeedback: what came of what the person asked for
    policy_changed = Signal(object)  # to the protector's thread, as are the following
    pause_changed = Signal(object)
    questions_changed = Signal(object)
    replied = Signal(object, str)
    undo_asked = Signal(object)
    asked = Signal(object, object)

    def __init__(
        self,
        hub: Hub,
        *,
        settings: SettingsKeeper,
        build: Callable[[], Engine],
        cleaning: Cleaning,
        looking: InspectionThread,
        recordings: RecordingThread,
        clock: Clock,
    ) -> None:
        super().__init__(hub)
        self._hub = hub
        self._settings = settings
        self._cleaning = cleaning
        self._queue = CleaningQueue(cleaning, lambda: self._policy().disk_target_percent, self)
        self._commands = ProtectCommands(self._ask, self._clean, recordings.expect)
        self.looking = looking
        self._recordings = recordings
        self._clock = clock
        self._questions: dict[str, QuestionView] = {}
        self._open_questions: tuple[QuestionView, ...] = ()
        self._paused_until: float | None = None
        policy = self._policy()
        self.view = empty_page(policy)
        self._pause_over = QTimer(self, singleShot=True)
        self._pause_over.timeout.connect(self._on_pause_over)
        self._thread = WorkerThread("protector", ProtectWorker(build, clock))
        self._connect(self._thread.worker)

    def _connect(self, worker: ProtectWorker) -> None:
        worker.stepped.connect(self._on_stepped)
        worker.view_changed.connect(self._on_view)
        worker.questions_changed.connect(self._on_questions)
        worker.probed.connect(self._hub.take_probe)
        worker.restored.connect(self._on_restored)
        worker.failed.connect(self._on_failed)
        worker.recovered.connect(self._on_recovered)
        worker.told.connect(self._on_told)
        self.policy_changed.connect(worker.take_policy)
        self.pause_changed.connect(worker.take_pause)
        self.replied.connect(worker.take_reply)
        self.undo_asked.connect(worker.take_undo)
        self.asked.connect(worker.run)
        self._hub.mode_changed.connect(self._on_mode)
        self._settings.changed.connect(self._on_settings)
        self._cleaning.finished.connect(self._on_cleaned)
        self._cleaning.failed.connect(self._on_cleaning_failed)

    def start(self) -> None:
        """Start protecting. Alerts of an earlier run about what it held are over."""
        self._hub.nothing_held()
        self._thread.start()

    def stop(self) -> bool:
        """Give everything back and end; False if a thread did not in time. Idempotent."""
        self._pause_over.stop()
        self._queue.forget()
        threads = (self._cleaning, self.looking, self._recordings, self._thread)
        ended = [each.stop() for each in threads]
        self._hub.nothing_held()
        return all(ended)

    def follow_disks(self, looks: SignalInstance) -> None:
        """Take each ``sampler.DiskLook`` of a signal, straight to the protector's thread."""
        looks.connect(self._thread.worker.take_disks)

    # Intents

    def explain(self) -> Explanation:
        """Who would be acted on now, and why; not to be asked on the main thread (it waits)."""
        answer: Future[Explanation] = self._ask(explain_now)
        return answer.result(_EXPLAIN_S)

    def carry_out(self, command: facade.Command[Any]) -> Any:
        """Carry out a command of the API; a future where it takes a while."""
        if isinstance(command, facade.AnswerQuestion):
            return self.answer_of_api(command)
        if isinstance(command, facade.ActOnJob):
            return self.act_for_api(command)
        if isinstance(command, facade.SetProtection):
            return self.change_for_api(command)
        if isinstance(command, facade.FindRecording):
            return self._recordings.state(command.name)
        return self._commands.carry_out(command)

    @Slot(object)
    def set_state(self, state: ProtectState) -> None:
        """On, watch or off, here and in the settings file; ends a pause."""
        self._end_pause()
        self._hub.change_setting("protect.state", state.value)

    @Slot(float)
    def pause_for(self, duration_s: float) -> None:
        """Watch only for a while."""
        self._paused_until = self._clock.wall() + duration_s
        self._pause_over.start(round(duration_s * 1000))
        self._send_policy()

    @Slot()
    def undo_all(self) -> None:
        """Take everything back."""
        self.undo_asked.emit(None)

    @Slot(str)
    def undo(self, action_id: str) -> None:
        """Take one action back."""
        self.undo_asked.emit((action_id,))

    @Slot(object, str, bool)
    def look(self, jobs: tuple[Job, ...], chosen: str, figures: bool) -> None:  # noqa: FBT001 - the signal's shape
        """A page shows these jobs: look at them closely."""
        protected = self._settings.loaded.settings.protect.protected
        self.looking.look(Wanted(jobs, chosen, protected, figures))

    @Slot(str, str)
    def act_on_job(self, job_key: str, action: str) -> None:
        """What the person asks to be done to a job."""
        if action == "resume":
            self._resume(job_key)
        elif action == "unprotect":
            self._unprotect(job_key)
        elif action == ALWAYS_SLOW_DOWN:
            self._slow_down_always(job_key)
        else:
            self._reply(job_key, Answer.NEVER if action == "protect" else Answer(action), None)

    @Slot(str, str)
    def answer(self, question_id: str, answer: str) -> None:
        """The person's answer to a question."""
        question = self._questions.get(question_id)
        if question is not None:
            self._reply(question.job_key, Answer(answer), question_id)

    def answer_notification(self, question_id: str, action: str) -> bool:
        """A button of a question's notification; False when it is no question."""
        if question_id not in self._questions:
            return False
        if action in set(Answer):
            self.answer(question_id, action)
        return True

    @property
    def questions(self) -> tuple[QuestionView, ...]:
        """What is asked now, the oldest question first; to be read on any thread."""
        return self._open_questions

    def answer_of_api(self, command: facade.AnswerQuestion) -> "Future[wire.Done]":
        """Answer a question; the future is done when it has been carried out."""
        question = self._questions.get(command.question_id)
        if question is None:
            detail = not_asked(command.question_id, self._open_questions)
            raise facade.CommandRefused(facade.Refusal.NOT_FOUND, detail)
        if command.answer not in question.answers:
            offered = ", ".join(question_body(question).answers)
            detail = f"The question about {question.title} takes these answers: {offered}."
            raise facade.CommandRefused(facade.Refusal.NOT_NOW, detail)
        return self._replied(question.job_key, command.answer, command.question_id)

    def act_for_api(self, command: facade.ActOnJob) -> "Future[wire.Done]":
        """Act on the job that the command names; the future is done when it has happened."""
        job_key = self._find_job(command.job)
        if command.answer is not None:
            return self._replied(job_key, command.answer, None)
        held = tuple(
            each.action_id
            for each in self.view.held
            if each.job_key == job_key and each.grip is not HoldKind.WOULD
        )
        if not held:
            raise facade.CommandRefused(facade.Refusal.NOT_NOW, NOTHING_HELD)
        return self._commands.take_back(held)

    def change_for_api(
        self, command: facade.SetProtection
    ) -> "wire.ProtectionSettings | Future[wire.ProtectionSettings]":
        """Change state and list in the settings; refused where they cannot be saved.

        What was added is looked for among what runs: a word that means nothing protects nothing.
        """
        protect = self._settings.loaded.settings.protect
        words = [each for each in protect.protected if each != command.remove]
        if command.remove and command.remove not in protect.protected:
            detail = f"The list of protected programs has no {command.remove}."
            raise facade.CommandRefused(facade.Refusal.NOT_FOUND, detail)
        if command.add and command.add not in words:
            words.append(command.add)
        if command.state is not None:
            self._end_pause()
            self._change_or_refuse("protect.state", command.state.value)
        if words != list(protect.protected):
            self._change_or_refuse("protect.protected", words)
        now = self._settings.loaded.settings.protect
        settings = wire.ProtectionSettings(state=now.state, protected=tuple(now.protected))
        return self._commands.with_near(settings, command.add) if command.add else settings

    # Inside

    def _change_or_refuse(self, key: str, value: Any) -> None:
        problem = self._hub.change_setting(key, value)
        if problem is not None:
            detail = sentences((problem,))[0]
            raise facade.CommandRefused(facade.Refusal.NOT_STORED, detail)

    def _find_job(self, wanted: str) -> str:
        """By key, by its leader's pid, or by a part of its title that one job alone has."""
        titles = {each.job_key: each.title for each in self.view.held}
        titles |= {each.key: each.title for each in self._hub.jobs}
        if wanted in titles:
            return wanted
        pids = {each.key: each.leader_pid for each in self._hub.jobs}
        words = wanted.casefold()
        found = [key for key, pid in pids.items() if str(pid) == wanted]
        found = found or [each.key for each in meant_by_name(wanted, self._hub.jobs)]
        found = found or [key for key, title in titles.items() if words in title.casefold()]
        if len(found) == 1:
            return found[0]
        if not found:
            raise facade.CommandRefused(facade.Refusal.NOT_FOUND, f"No job is called {wanted}.")
        named = ", ".join(sorted(f"{titles[key]} (pid {pids.get(key, '?')})" for key in found)[:5])
        detail = f"More than one job is meant by {wanted}: {named}."
        raise facade.CommandRefused(facade.Refusal.NOT_NOW, detail)

    def _replied(
        self, job_key: str, answer: Answer, question_id: str | None
    ) -> "Future[wire.Done]":
        title = self._title(job_key)
        if answer is Answer.NEVER:
            title = self._protect_for_good(job_key) or title
        reply = Reply(job_key=job_key, answer=answer, question_id=question_id)
        worker = self._thread.worker
        return self._commands.replied(lambda engine: worker.replied(engine, reply, title))

    def _reply(self, job_key: str, answer: Answer, question_id: str | None) -> None:
        title = self._title(job_key)
        if answer is Answer.NEVER:
            title = self._protect_for_good(job_key) or title
        reply = Reply(job_key=job_key, answer=answer, question_id=question_id)
        self.replied.emit(reply, title)

    def _resume(self, job_key: str) -> None:
        held = tuple(each.action_id for each in self.view.held if each.job_key == job_key)
        if held:
            self.undo_asked.emit(held)
        else:
            self.told.emit(ActionFeedback(sentence=NOTHING_HELD, job_key=job_key))

    def _title(self, job_key: str) -> str:
        titles = {each.job_key: each.title for each in self.view.held}
        titles |= {each.key: each.title for each in self._hub.jobs}
        return titles.get(job_key, "This job")

    def _protect_for_good(self, job_key: str) -> str:
        """Into the settings, so that it holds after a restart as well; what stands there now."""
        word = protected_word(self._job(job_key))
        kept = self._settings.loaded.settings.protect.protected
        if word and word not in kept:
            self._change_list([*kept, word])
        return f"Everything in {word}" if word.startswith(("~", "/")) else word

    def _slow_down_always(self, job_key: str) -> None:
        """Slow it down now, and by a rule in the settings whenever it runs again."""
        job = self._job(job_key)
        if job is None:
            self.told.emit(ActionFeedback(sentence=f"{self._title(job_key)} has ended already."))
            return
        rules = [*map(msgspec.to_builtins, self._settings.loaded.settings.rules)]
        rule = {"match": job.title, "always": EscalationStep.SLOW_DOWN.value}
        problem = None if rule in rules else self._hub.change_setting("rule", [*rules, rule])
        if problem is not None:
            self.told.emit(ActionFeedback(sentence=sentences((problem,))[0]))
            return
        self._reply(job_key, Answer.SLOW_DOWN, None)

    def _unprotect(self, job_key: str) -> None:
        """Off the list with what means this job, and out of what was said since the start."""
        badge = self.looking.newest.protected.get(job_key)
        kept = self._settings.loaded.settings.protect.protected
        words = badge.words if badge else (protected_word(self._job(job_key)),)
        gone = [each for each in kept if each in words]
        if gone and not self._change_list([each for each in kept if each not in gone]):
            return
        self._ask(lambda engine: engine.protecting.protector.allow(job_key))
        listed = f": {', '.join(gone)} was taken off the list" if gone else ""
        sentence = f"{self._title(job_key)} is protected by you no longer{listed}."
        self.told.emit(ActionFeedback(sentence=sentence, job_key=job_key))

    def _change_list(self, words: list[str]) -> bool:
        """Whether the settings accepted it; shows the person why not."""
        problem = self._hub.change_setting("protect.protected", words)
        if problem is not None:
            self.told.emit(ActionFeedback(sentence=sentences((problem,))[0]))
        return problem is None

    def _job(self, job_key: str) -> Job | None:
        return next((each for each in self._hub.jobs if each.key == job_key), None)

    def _ask(self, ask: Callable[[Engine], Any]) -> "Future[Any]":
        future: Future[Any] = Future()
        self.asked.emit(ask, future)
        return future

    def _clean(self, *, dry_run: bool) -> "Future[Cleaned]":
        target = self._policy().disk_target_percent
        shot = self._hub.snapshot
        mount = shot.disks[0].mount if shot is not None and shot.disks else "/"
        return self._cleaning.start(mount, target, dry_run=dry_run, asked=True)

    def _policy(self) -> ProtectPolicy:
        policy = msgspec.structs.replace(
            self._settings.loaded.settings.protect_policy(), mode=self._hub.mode
        )
        if self._paused_until is not None and policy.state is ProtectState.ON:
            return msgspec.structs.replace(policy, state=ProtectState.WATCH)
        return policy

    def _send_policy(self) -> None:
        self.pause_changed.emit(self._paused_until)
        self._hub.pause_protection(self._paused_until)
        policy = self._policy()
        if policy.state is not ProtectState.ON:
            self._queue.forget()  # what was asked for while it acted
        self.policy_changed.emit(policy)

    def _end_pause(self) -> None:
        self._pause_over.stop()
        if self._paused_until is not None:
            self._paused_until = None
            self._send_policy()

    # Slots

    @Slot(object)
    def _on_stepped(self, step: ProtectStep) -> None:
        for notice in step.notices:
            if isinstance(notice, NoticeOver):
                self._hub.notice_over(notice)
            else:
                self._hub.raise_notice(notice)
        for request in step.cleaning:
            self._queue.ask(request)
        for recording in step.recordings:
            self._recordings.write(recording)

    @Slot(object)
    def _on_view(self, view: ProtectionView) -> None:
        self.view = view
        self._hub.hold(holding(view.held))
        self.view_changed.emit(view)

    @Slot(object)
    def _on_questions(self, questions: tuple[QuestionView, ...]) -> None:
        gone = set(self._questions) - {each.id for each in questions}
        new = [each for each in questions if each.id not in self._questions]
        self._questions = {each.id: each for each in questions}
        for question_id in gone:
            self._hub.withdraw_question(question_id)
        for question in new:
            self._hub.ask(prompt(question))
        self._open_questions = questions
        self.question_changed.emit(questions[0] if questions else None)
        self.questions_changed.emit(questions)

    @Slot(object)
    def _on_restored(self, restored: tuple[UndoResult, ...]) -> None:
        titles = ", ".join(dict.fromkeys(each.title for each in restored))
        log.info("restored after a crash: %s", titles)
        self._hub.raise_notice(
            Notice(
                type=AlertType.RESOURCE_CRITICAL,
                title="Given back after OmniTray had ended unexpectedly",
                message=f"{titles}: nothing is held any more.",
                severity=Severity.INFO,
                labels={"protector": "restored"},
                context={"others_wait": False},
            )
        )
        self._hub.notice_over(NoticeOver(labels={"protector": "restored"}))

    @Slot(str)
    def _on_failed(self, sentence: str) -> None:
        self._hub.note_problem("protector", sentence)

    @Slot()
    def _on_recovered(self) -> None:
        self._hub.problem_over("protector")

    @Slot(str)
    def _on_cleaning_failed(self, sentence: str) -> None:
        self._hub.note_problem("cleaning", sentence)

    @Slot(object)
    def _on_told(self, told: ActionFeedback) -> None:
        self.told.emit(told)

    @Slot(object)
    def _on_cleaned(self, done: Cleaned) -> None:
        self._hub.problem_over("cleaning")
        if done.result is not None or (not done.asked and done.plan.size_bytes >= _WORTH_BYTES):
            self._hub.raise_notice(cleaned_notice(done))

    @Slot(object)
    def _on_mode(self, _mode: Mode) -> None:
        self._send_policy()

    @Slot(object)
    def _on_settings(self, _loaded: Loaded) -> None:
        self._send_policy()

    @Slot()
    def _on_pause_over(self) -> None:
        self._end_pause()
