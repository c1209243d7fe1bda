"""Monitor and protector about one resource: one alert in the history, one place on the screen."""

from typing import Any

import msgspec
import pytest

from omnitray.alerts.resource_incidents import resource_fingerprint
from omnitray.alerts.system import Prompt
from omnitray.base.clock import timestamp
from omnitray.base.facts import (
    GuardReading,
    Job,
    JobKind,
    MemoryFacts,
    Mode,
    MonitorLevel,
    Resource,
    Severity,
    Snapshot,
)
from omnitray.base.policy import ModeLimits, Thresholds
from omnitray.monitor.monitor import MonitorStep
from omnitray.monitor.thresholds import AlarmLevel, Transition, Watched
from omnitray.protector.model import (
    Action,
    ActionState,
    ActiveAction,
    Alarm,
    AlarmReason,
    Candidate,
    EscalationStep,
    Evidence,
    ExclusionReason,
    NamedCause,
    ProtectReason,
    Signal,
)
from omnitray.protector.notices import OpenNotices, alarm_notice, notice_of
from omnitray.runtime.shortages import Shortages
from support.alerting import World

GB = 10**9
HOG = Job(
    key="run:1",
    name="pytest",
    project="~/shop",
    kind=JobKind.TEST_RUN,
    leader_pid=1,
    processes=(),
    cpu_percent=10.0,
    rss_bytes=20 * GB,
)
OVER = Evidence(signal=Signal.MEMORY, value=91.0, threshold=80.0, held_s=3.0)


class Desk:
    """The real alert system behind the real shortages; critical ones notify, as by default."""

    def __init__(self, world: World | None = None) -> None:
        self.world = world or World(notify_from=Severity.CRITICAL)
        self.shortages = Shortages(self.world.alerts, Thresholds(), self.world.clock.wall)
        self.notices = OpenNotices()
        self.active: list[ActiveAction] = []

    def look(
        self, before: AlarmLevel | None = None, after: AlarmLevel | None = None, used: float = 91.0
    ) -> None:
        """A step of the monitor; with a transition of memory."""
        self.world.clock.advance(1.0)
        transitions: tuple[Transition, ...] = ()
        if before is not None and after is not None:
            moved = Transition(
                resource=Resource.MEMORY, before=before, after=after, value=used, threshold=75.0
            )
            transitions = (moved,)
        now = self.world.clock.monotonic()
        shot = Snapshot(
            taken_at=now, monotonic_s=now, level=MonitorLevel.NORMAL, memory=memory(used)
        )
        step = MonitorStep(
            snapshot=shot,
            jobs=(HOG,),
            transitions=transitions,
            level_changes=(),
            report=None,
            next_delay_s=1.0,
        )
        self.shortages.stepped(step, Mode.DEV)

    def act(self, action: Action, *, asked: bool = False, refused: str = "") -> None:
        """The protector does something and says so, as its engine does."""
        self.notices.begin(action)
        held = ActiveAction(action=action, state=ActionState.HELD, since_s=0.0)
        self.active.append(held)
        self.shortages.say(notice_of(action, asked=asked, refused=refused), {})

    def give_back(self, used: float = 91.0, jobs: tuple[Job, ...] = ()) -> None:
        """Nothing is held any more; ``jobs`` are those that a look has found."""
        self.active = []
        reading = GuardReading(monotonic_s=0.0, memory=memory(used))
        limits = ModeLimits(cpu_percent=75.0, memory_percent=80.0, hold_s=3.0)
        for over in self.notices.over(self.active, reading, limits, jobs=jobs):
            self.shortages.over(over.labels)

    @property
    def records(self) -> dict[str, str]:
        """The titles in the history, by alert."""
        return {key: alert.title for key, alert in self.world.sink.on_disk().items()}

    @property
    def on_screen(self) -> dict[str, str]:
        """The titles on the screen, by slot."""
        shown: dict[str, str] = {}
        for _, decision in self.world.sink.got:
            if decision.notify:
                shown[decision.slot] = decision.title
            elif decision.withdraw:
                shown.pop(decision.slot, None)
        return shown

    @property
    def slots(self) -> set[str]:
        """Every slot that was ever shown."""
        return {decision.slot for decision in self.world.sink.told}


def memory(used: float) -> MemoryFacts:
    total = 32 * GB
    return MemoryFacts(total_bytes=total, available_bytes=int(total * (1 - used / 100)))


def action(step: EscalationStep, **fields: Any) -> Action:
    values = {
        "id": step.value,
        "resource": Resource.MEMORY,
        "reason": ProtectReason.MEMORY_OVER,
        "evidence": OVER,
        "job_key": HOG.key,
        "title": HOG.title,
        "notify": True,
    }
    return Action(step=step, **{**values, **fields})


CLEAR, WARNING, CRITICAL = AlarmLevel
QUESTION = Prompt(
    id="q1",
    title=f"{HOG.title}: what shall be done?",
    body="It is paused.",
    buttons=(("pause", "Keep"),),
    about=resource_fingerprint(Watched(Resource.MEMORY)),
)


def grow_until_asked(desk: Desk) -> None:
    desk.look(CLEAR, WARNING, used=78.0)
    desk.act(action(EscalationStep.SLOW_DOWN))
    desk.look(WARNING, CRITICAL)
    desk.world.clock.advance(2.0)
    desk.world.alerts.ask(QUESTION)  # the engine tells of its questions first
    desk.act(action(EscalationStep.PAUSE), asked=True)
    desk.look()


def test_one_growing_job_is_one_alert_and_one_notification() -> None:
    desk = Desk()
    grow_until_asked(desk)
    assert list(desk.records.values()) == [f"Paused {HOG.title}"]
    assert desk.on_screen == {"id1": QUESTION.title}
    assert desk.slots == {"id1"}


def test_after_an_end_by_a_click_nothing_is_left_open_or_on_the_screen() -> None:
    desk = Desk()
    grow_until_asked(desk)
    desk.world.alerts.withdraw("q1")
    desk.act(action(EscalationStep.END, reason=ProtectReason.ASKED, notify=False))
    desk.give_back()
    desk.look(CRITICAL, CLEAR, used=40.0)
    assert desk.on_screen == {}
    assert desk.world.alerts.open_alerts() == ()
    assert desk.slots == {"id1"}
    (alert,) = desk.world.sink.on_disk().values()
    assert [each["what"] for each in alert.context["actions"]] == [
        f"slowed down {HOG.title}",
        f"paused {HOG.title}",
        f"ended {HOG.title}",
    ]
    assert [each.get("by", "") for each in alert.context["actions"]] == ["", "", "you"]


@pytest.mark.parametrize("shortage", [True, False])
@pytest.mark.parametrize("step", [EscalationStep.SLOW_DOWN, EscalationStep.PAUSE])
def test_what_is_done_by_hand_to_an_idle_job_is_no_incident(
    step: EscalationStep, *, shortage: bool
) -> None:
    desk = Desk()
    if shortage:
        desk.look(CLEAR, CRITICAL)
    before = desk.records
    desk.act(action(step, reason=ProtectReason.ASKED, notify=False, job_key="s", title="sleeper"))
    desk.look()
    assert desk.records == before
    assert "sleeper" not in str(desk.world.sink.on_disk())


def test_what_is_done_by_hand_to_the_culprit_stands_in_its_incident_and_does_not_head_it() -> None:
    desk = Desk()
    desk.look(CLEAR, CRITICAL)
    desk.act(action(EscalationStep.PAUSE, reason=ProtectReason.ASKED, notify=False))
    (alert,) = desk.world.alerts.open_alerts()
    assert alert.title == f"Memory 91 %: {HOG.title}"
    (done,) = alert.context["actions"]
    assert (done["what"], done["by"]) == (f"paused {HOG.title}", "you")
    assert done["at"] == timestamp(desk.world.clock.wall())
    assert done["action_id"]
    desk.give_back()
    desk.look(CRITICAL, CLEAR, used=40.0)
    assert desk.world.alerts.open_alerts() == ()


def test_an_end_that_was_not_asked_for_is_shown_at_once_and_stays_until_it_is_seen() -> None:
    desk = Desk()
    desk.look(CLEAR, CRITICAL)
    assert desk.on_screen == {"id1": f"Memory 91 %: {HOG.title}"}
    desk.world.clock.advance(2.0)  # the floor of a minute holds back repeats, not news
    desk.act(action(EscalationStep.END, part="worker 3"))
    ended = f"Ended {HOG.title}, worker 3"
    assert desk.on_screen == {"id1": ended}
    desk.look(CRITICAL, CLEAR, used=30.0)
    assert desk.on_screen == {"id1": ended}
    (alert,) = desk.world.alerts.open_alerts()
    seen = desk.world.alerts.acknowledge(alert.id)
    assert seen is not None
    desk.shortages.seen(seen.alert)
    assert desk.world.alerts.open_alerts() == ()
    assert desk.on_screen == {}


def test_another_culprit_replaces_the_words_on_the_screen_in_their_place() -> None:
    desk = Desk()
    desk.look(CLEAR, CRITICAL)
    other = msgspec.structs.replace(HOG, key="run:2", name="make")
    for _ in range(8):
        now = desk.world.clock.monotonic()
        desk.world.clock.advance(1.0)
        shot = Snapshot(
            taken_at=now, monotonic_s=now, level=MonitorLevel.NORMAL, memory=memory(92.0)
        )
        desk.shortages.stepped(
            MonitorStep(
                snapshot=shot,
                jobs=(other,),
                transitions=(),
                level_changes=(),
                report=None,
                next_delay_s=1.0,
            ),
            Mode.DEV,
        )
    assert desk.on_screen == {"id1": "Memory 92 %: make · ~/shop"}
    assert len(desk.world.sink.told) == 2


def test_what_the_person_has_closed_is_not_shown_anew_for_other_words() -> None:
    desk = Desk()
    desk.look(CLEAR, CRITICAL)
    desk.world.alerts.closed("id1")
    desk.act(action(EscalationStep.SLOW_DOWN))
    assert len(desk.world.sink.told) == 1


def test_a_refused_step_heads_as_what_it_is() -> None:
    desk = Desk()
    desk.look(CLEAR, CRITICAL)
    desk.act(action(EscalationStep.SLOW_DOWN), refused="The system refused every means for it")
    assert list(desk.records.values()) == [f"Could not slow down {HOG.title}"]
    assert desk.on_screen == {"id1": f"Could not slow down {HOG.title}"}


@pytest.mark.parametrize("reason", [AlarmReason.CAUSE_UNTOUCHABLE, AlarmReason.NOBODY_LEFT])
def test_a_cause_that_is_left_alone_heads_the_same_incident_and_is_over_with_it(
    reason: AlarmReason,
) -> None:
    desk = Desk()
    desk.look(CLEAR, CRITICAL)
    cause = NamedCause(
        job_key="x",
        title="firefox",
        excluded=ExclusionReason.TIED,
        share=0.9,
        held_bytes=20e9,
        growth_bps=50e6,
        pid=7,
    )
    alarm = Alarm(reason=reason, cause=cause)
    desk.notices.alarm(alarm)
    desk.shortages.say(alarm_notice(alarm), {})
    (title,) = desk.records.values()
    assert title.startswith("firefox ")
    (alert,) = desk.world.alerts.open_alerts()  # what was said stays when other words head it
    (done,) = alert.context["actions"]
    assert done["what"] == f"{title}; left alone: {ExclusionReason.TIED.sentence}"
    assert desk.on_screen == {"id1": title}
    desk.give_back(used=30.0)
    desk.look(CRITICAL, CLEAR, used=30.0)
    assert desk.world.alerts.open_alerts() == ()


def test_where_nothing_was_done_the_monitor_heads_and_only_good_parts_are_named() -> None:
    desk = Desk()
    desk.look(CLEAR, CRITICAL)
    panel = Candidate(
        job_key="p",
        title="xfce4-panel",
        kind=HOG.kind,
        rss_bytes=50_000_000,
        excluded=ExclusionReason.SESSION,
        share=0.002,
    )
    told = action(EscalationStep.TELL, job_key="", title="", considered=(panel,))
    desk.act(told)
    (alert,) = desk.world.sink.on_disk().values()
    assert alert.title == f"Memory 91 %: {HOG.title}"
    assert "xfce4-panel" not in alert.message


def test_a_report_is_over_with_those_that_it_names() -> None:
    desk = Desk()
    desk.look(CLEAR, CRITICAL)
    editor = Candidate(
        job_key="e",
        title="code",
        kind=HOG.kind,
        rss_bytes=5 * GB,
        excluded=ExclusionReason.EDITOR,
        share=0.5,
    )
    desk.act(action(EscalationStep.TELL, job_key="", title="", considered=(editor,)))
    said = "Left alone: code (5.0 GB)"
    assert said in desk.world.sink.on_disk()["id1"].message
    desk.give_back(jobs=(HOG, msgspec.structs.replace(HOG, key="e")))
    assert said in desk.world.sink.on_disk()["id1"].message
    desk.give_back(jobs=(HOG,))
    assert said not in desk.world.sink.on_disk()["id1"].message


def test_watching_heads_nothing_and_says_that_it_watches() -> None:
    desk = Desk()
    desk.act(action(EscalationStep.PAUSE, dry_run=True))
    assert desk.world.alerts.open_alerts() == ()
    (alert,) = desk.world.sink.on_disk().values()
    assert (alert.title, alert.severity) == (f"Would have paused {HOG.title}", Severity.INFO)
    desk.look(CLEAR, CRITICAL)
    desk.act(action(EscalationStep.END, dry_run=True))
    assert desk.on_screen == {"id1": f"Memory 91 %: {HOG.title}"}
    newest = desk.world.sink.on_disk()["id1"]
    assert newest.title == f"Memory 91 %: {HOG.title}"
    assert "Protection only watches" in newest.message


def test_what_an_earlier_run_left_open_is_over_when_it_no_longer_holds() -> None:
    first = Desk()
    first.look(CLEAR, CRITICAL)
    left = first.world.alerts.open_alerts()
    second = Desk(World(notify_from=Severity.CRITICAL, open_alerts=left))
    second.look(used=80.0)
    assert second.world.alerts.open_alerts() != ()
    second.look(used=40.0)
    assert second.world.alerts.open_alerts() == ()
