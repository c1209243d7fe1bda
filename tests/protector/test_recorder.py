"""What the protector saw is kept for a while, hides the person, and is decided about again."""

import lzma
from typing import Any

import msgspec
import pytest

from omnitray.base.facts import GuardReading, Job, Mode, ProcessDetail
from omnitray.base.policy import ProtectPolicy
from omnitray.protector.exclusions.programs import LINUX
from omnitray.protector.exclusions.rules import ExclusionRules
from omnitray.protector.model import Decision
from omnitray.protector.recorder import KEPT_S, Recorder, Recording, unpacked
from omnitray.protector.replay import Anonymizer, load, packed_file, replay
from support.desk import OVER, Desk, growing, soon
from support.scenes import GB, MB, facts, job, process, reading

SALT = b"0123456789abcdef"


class Recorded(Desk):
    """A desk whose turns are recorded."""

    def __init__(self, mode: Mode = Mode.DEV) -> None:
        super().__init__(mode)
        self.recorder = Recorder("t")
        self.taken: list[Recording] = []

    def turn(
        self, *jobs: Job, seconds: float = 1.0, at: GuardReading | None = None, **more: Any
    ) -> list[Decision]:
        number = self.protector.next_number
        now = msgspec.structs.replace(at or reading(), monotonic_s=self.now_s + seconds)
        seen = facts(*jobs, at=now, active=tuple(self.active.values()), **more)
        decided = super().turn(*jobs, seconds=seconds, at=at, **more)
        self.recorder.add(seen, self.policy, self.now_s, decided, number)
        self.taken += self.recorder.take_due(self.now_s)
        return decided


def incident(desk: Recorded) -> Recording:
    """Calm, a leak that is slowed down and paused, an end, calm."""
    desk.turns(5, growing(0.0, GB))
    desk.turns(3, growing(size=6 * GB), at=reading(used=70.0))
    desk.turns(6, growing(), at=OVER, memory_forecast=soon())
    desk.turns(8, growing(), at=reading(used=97.0))
    desk.active.clear()
    desk.turns(15)
    (taken,) = desk.taken
    return taken


def test_an_incident_is_kept_from_a_calm_moment_until_some_seconds_after_the_last_action() -> None:
    taken = incident(Recorded())
    frames = [unpacked(each) for each in taken.frames]
    assert taken.why == "end"
    assert frames[0].facts.reading.memory.used_percent == 50.0
    assert frames[0].policy is not None
    assert all(each.policy is None for each in frames[1:])
    acted = [each.now_s for each in frames if any(one.kind == "action" for one in each.decided)]
    assert frames[-1].now_s - acted[-1] == pytest.approx(10.0)


@pytest.mark.parametrize("mode", list(Mode))
def test_a_replay_decides_the_same_each_time(mode: Mode) -> None:
    header, frames = load(packed_file(incident(Recorded(mode)), "/home/anna", SALT))
    first, second = (list(replay(header, frames)) for _ in range(2))
    assert [each.now for each in first] == [each.now for each in second]
    assert [each.now for each in first] == [each.then for each in first]
    assert any(each.now for each in first)


def test_a_change_of_the_settings_is_part_of_it() -> None:
    desk = Recorded()
    desk.turns(3, growing(0.0, GB))
    desk.policy = ProtectPolicy(mode=Mode.PROD)
    desk.turns(14, growing(), at=OVER, memory_forecast=soon())
    desk.turns(12)
    frames = [unpacked(each) for each in desk.taken[0].frames]
    policies = [each.policy.mode for each in frames if each.policy]
    assert policies == [Mode.DEV, Mode.PROD]


def test_what_the_system_refused_is_refused_in_the_replay() -> None:
    desk = Recorded()
    desk.turns(2, growing(0.0, GB))
    (paused, *_) = desk.turn(growing(), at=reading(used=75.0), memory_forecast=soon())
    assert desk.protector.open_questions
    desk.protector.refused(paused)  # type: ignore[arg-type]  # an Action
    desk.recorder.refused(paused.id)  # type: ignore[union-attr]
    desk.active.clear()
    desk.turns(12)
    header, frames = load(packed_file(desk.taken[0], "", SALT))
    assert [each.now for each in replay(header, frames)] == [each.decided for each in frames]


def test_the_ring_forgets_what_is_too_old_and_what_is_too_much() -> None:
    desk = Recorded()
    desk.turns(300, growing(0.0, GB))
    desk.recorder.ask(desk.now_s, 1.0)
    desk.turns(2, growing(0.0, GB))
    (asked,) = desk.taken
    assert len(asked.frames) == 2
    kept = desk.recorder._ring
    assert kept[-1].at_s - kept[0].at_s <= KEPT_S


def test_what_is_asked_for_is_recorded_for_so_long_whatever_happens() -> None:
    desk = Recorded()
    name = desk.recorder.ask(desk.now_s, 30.0)
    asked = [desk.recorder.is_asked for _ in range(31) if desk.turn() == []]
    assert asked == [True] * 29 + [False] * 2
    assert [(each.why, each.name, len(each.frames)) for each in desk.taken] == [("asked", name, 30)]


def test_a_second_wish_ends_the_first_recording() -> None:
    desk = Recorded()
    first = desk.recorder.ask(desk.now_s, 300.0)
    desk.turns(5)
    desk.recorder.ask(desk.now_s, 1.0)
    desk.turns(2)
    assert desk.taken[0].name == first
    assert not desk.recorder.is_asked


SECRETS = ("anna", "shop", "hunter2", "4111111111111111", "secret_plans")


def test_nothing_of_the_person_is_left() -> None:
    worker = process(201, ppid=200, name="secret_plans", rss_bytes=8 * GB)
    leak = job("command:1:2", worker, growth=300.0 * MB, project="~/shop")
    details = {
        201: ProcessDetail(
            start_ticks=201,
            exe="/home/anna/shop/bin/secret_plans",
            arguments=("secret_plans", "--password=hunter2", "-phunter2", "4111111111111111"),
            cwd="/home/anna/shop",
        )
    }
    desk = Recorded()
    desk.policy = ProtectPolicy(protected=("~/shop/other", "secret_plans2"))
    desk.turns(2, growing(0.0, GB))
    for _ in range(5):
        desk.turn(leak, at=reading(used=97.0), memory_forecast=soon(), details=details)
    desk.turns(12)
    data = packed_file(desk.taken[0], "/home/anna", SALT)
    text = lzma.decompress(data).decode()
    assert [each for each in SECRETS if each in text] == []
    header, frames = load(data)
    assert [each.now for each in replay(header, frames)] == [each.decided for each in frames]


@pytest.mark.parametrize(
    ("exe", "arguments"),
    [
        ("/usr/bin/bash", ("bash", "--rcfile", "/home/anna/rc", "-i")),
        ("/usr/bin/bash", ("bash", "-lc", "make all")),
        ("/usr/bin/bash", ("bash", "--posix", "/home/anna/x.sh")),
        ("/usr/bin/fish", ("fish", "-C", "echo hi")),
        ("/usr/libexec/gsd-media-keys", ("gsd-media-keys",)),
        ("/home/anna/.local/bin/claude", ("claude", "--resume")),
        ("/home/anna/src/oracle", ("./oracle",)),
        ("/usr/bin/node", ("node", "/home/anna/.npm-global/lib/claude.js")),
        ("/usr/bin/python3.11", ("python3", "/home/anna/aider.py", "x")),
        ("/usr/bin/python3.11", ("python3", "-m", "omnitray")),
        ("/usr/lib/jvm/bin/java", ("java", "-Xmx1g", "org.elasticsearch.bootstrap.Elasticsearch")),
        ("/home/anna/.vscode-server/bin/4f3a/node", ("node", "server.js")),
        ("/usr/bin/node", ("node", "/home/anna/code-server/out/node/entry.js")),
        ("/opt/mine/prog", ("prog",)),
        ("/usr/bin/.kitty-wrapped", ("kitty",)),
    ],
)
def test_who_is_protected_is_so_with_hidden_names_as_well(
    exe: str, arguments: tuple[str, ...]
) -> None:
    hide = Anonymizer(SALT)
    plain = ExclusionRules(LINUX, "/home/anna").child_exclusion(exe, arguments, ())
    hidden = ExclusionRules(LINUX, hide.text("/home/anna")).child_exclusion(
        hide.text(exe), tuple(hide.text(each, numbers=False) for each in arguments), ()
    )
    assert hidden == plain


def test_hashes_of_two_recordings_differ() -> None:
    assert Anonymizer(b"a" * 16).text("shop") != Anonymizer(b"b" * 16).text("shop")


@pytest.mark.parametrize("data", [b"", b"text", b"\xfd7zXZ\x00garbage"])
def test_what_is_no_recording_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="no recording"):
        load(data)
