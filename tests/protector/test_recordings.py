"""Real programs, recorded in the rooms (``tests/room``): who is acted on, and who must not be.

``python3 packaging/dev.py test --room --record`` makes them anew. A rule that decides otherwise
than when one was made fails here first: ``--room --decide-again`` shows what it does now and keeps
it, as far as the same facts can tell; what the machine would do next only a room can.
"""

import functools
from pathlib import Path

import msgspec
import pytest

from omnitray.protector.model import EscalationStep
from omnitray.protector.recorder import Decided
from omnitray.protector.replay import Replayed, load, replay

FOLDER = Path(__file__).parent / "recordings"
NAMES = sorted(path.name.removesuffix(".jsonl.xz") for path in FOLDER.glob("*.jsonl.xz"))


class Who(msgspec.Struct, forbid_unknown_fields=True):
    """Who was who in a room, and what may be done to them."""

    title: str
    allowed: dict[str, tuple[str, ...]]
    wanted: tuple[str, ...]
    named: bool
    roles: dict[str, tuple[int, ...]]

    def role(self, pid: int) -> str:
        return next((role for role, pids in self.roles.items() if pid in pids), "unknown")


@functools.cache
def replayed(name: str) -> tuple[Replayed, ...]:
    return tuple(replay(*load((FOLDER / f"{name}.jsonl.xz").read_bytes())))


def who(name: str) -> Who:
    return msgspec.json.decode((FOLDER / f"{name}.json").read_bytes(), type=Who)


def acted(name: str) -> list[Decided]:
    decided = (each for frame in replayed(name) for each in frame.now)
    return [each for each in decided if each.kind == "action" and each.pids]


@pytest.mark.parametrize("name", NAMES)
def test_it_decides_as_it_did_when_it_was_recorded(name: str) -> None:
    other = [(at, each.now, each.then) for at, each in enumerate(replayed(name))]
    assert [each for each in other if each[1] != each[2]] == []


@pytest.mark.parametrize("name", NAMES)
def test_only_those_are_acted_on_who_may_be(name: str) -> None:
    known = who(name)
    steps = {(each.step, known.role(pid)) for each in acted(name) for pid in each.pids}
    wrong = [
        (rung, role) for rung, role in steps if rung and rung not in known.allowed.get(role, ())
    ]
    assert wrong == []


@pytest.mark.parametrize("name", NAMES)
def test_the_cause_is_acted_on_or_named(name: str) -> None:
    known = who(name)
    if known.wanted:
        assert {each.step for each in acted(name)} & {EscalationStep(each) for each in known.wanted}
    if known.named:
        alarms = [each for frame in replayed(name) for each in frame.now if each.kind == "alarm"]
        assert [each.job_key for each in alarms if each.job_key]


def test_there_are_as_many_as_the_page_says() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "room.md").read_text()
    assert [name for name in NAMES if f"| `{name}` |" not in page] == []
