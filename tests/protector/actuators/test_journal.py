import errno
import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnitray.base.facts import ProcessIdentity
from omnitray.protector.actuators import journal as journal_module
from omnitray.protector.actuators.actuator import ValueChange
from omnitray.protector.actuators.journal import ActionJournal, Began, Result, Undone
from omnitray.protector.model import ActuatorKind, EscalationStep, UndoneByUser
from omnitray.protector.recorder import Decided

AT = "2026-11-22T13:21:27.123Z"
CHANGE = ValueChange(
    process=ProcessIdentity(pid=7, start_ticks=70, exe="/usr/bin/x"), old=0, new=19
)


def began(action_id: str = "a1", *, boot: str = "b", reversible: bool = True) -> Began:
    return Began(
        id=action_id,
        at=AT,
        boot=boot,
        job="job",
        title="pytest · ~/shop",
        step="slow_down",
        lever=ActuatorKind.NICE,
        changes=(CHANGE,),
        reversible=reversible,
        reason="CPU over its limit",
        evidence={"cpu_percent": 97.5, "ranking": ["pytest", "make"]},
        others={"cpu_weight": "no systemd user session"},
    )


def result(action_id: str = "a1", outcome: str = "applied") -> Result:
    return Result(id=action_id, at=AT, outcome=outcome, changes=(CHANGE,))


def test_a_step_keeps_its_word_in_files() -> None:
    decided = Decided(kind="action", step=EscalationStep.PAUSE)
    taken_back = UndoneByUser(job_key="job", step=EscalationStep.END)
    words = [msgspec.json.decode(msgspec.json.encode(each)) for each in (began(), decided)]
    assert [each["rung"] for each in words] == ["slow_down", "pause"]
    assert msgspec.to_builtins(taken_back)["rung"] == "end"


def undone(action_id: str = "a1", outcome: str = "restored") -> Undone:
    return Undone(id=action_id, at=AT, outcome=outcome, why="calm")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "actions.jsonl"


@pytest.fixture
def journal(path: Path) -> ActionJournal:
    return ActionJournal(path)


def test_what_is_written_comes_back(journal: ActionJournal, path: Path) -> None:
    for line in (began(), result(), undone()):
        assert journal.append(line)
    (record,) = ActionJournal(path).records()
    assert (record.began, record.result, record.undone) == (began(), result(), undone())


def test_it_is_private(journal: ActionJournal, path: Path) -> None:
    journal.append(began())
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_what_began_and_was_not_undone_is_unfinished(journal: ActionJournal) -> None:
    journal.append(began("a1"))
    journal.append(began("a2"))
    journal.append(result("a2"))
    journal.append(undone("a2"))
    assert [record.began.id for record in journal.unfinished("b")] == ["a1"]


@pytest.mark.parametrize("outcome", ["failed", "would_have"])
def test_what_changed_nothing_is_finished(journal: ActionJournal, outcome: str) -> None:
    journal.append(began())
    journal.append(result(outcome=outcome))
    assert journal.unfinished("b") == ()


def test_what_cannot_be_taken_back_is_finished(journal: ActionJournal) -> None:
    journal.append(began(reversible=False))
    assert journal.unfinished("b") == ()


def test_an_undo_that_failed_leaves_it_unfinished(journal: ActionJournal) -> None:
    journal.append(began())
    journal.append(undone(outcome="failed"))
    assert len(journal.unfinished("b")) == 1


def test_another_boot_means_nothing(journal: ActionJournal) -> None:
    journal.append(began(boot="before"))
    assert journal.unfinished("b") == ()


def test_values_of_a_second_begin_are_added(journal: ActionJournal) -> None:
    journal.append(began())
    journal.append(result())
    journal.append(began())
    (record,) = journal.records()
    assert record.changes == (CHANGE, CHANGE)
    assert record.is_unfinished


def test_a_torn_last_line_is_passed_over_and_the_next_one_stands_alone(
    journal: ActionJournal, path: Path
) -> None:
    journal.append(began("a1"))
    journal.append(began("a2"))
    journal.close()
    path.write_bytes(path.read_bytes()[:-20])
    after = ActionJournal(path)
    after.append(began("a3"))
    assert [record.began.id for record in after.records()] == ["a1", "a3"]
    assert after.damaged == 1


@given(noise=st.binary(max_size=200), cut=st.integers(min_value=0))
def test_damage_never_raises_and_spares_the_other_lines(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, cut: int
) -> None:
    path = tmp_path_factory.mktemp("journal") / "actions.jsonl"
    journal = ActionJournal(path)
    for number in range(4):
        journal.append(began(f"a{number}"))
    journal.close()
    lines = path.read_bytes().splitlines(keepends=True)
    middle = lines[1]
    at = cut % len(middle)
    clean = noise.replace(b"\n", b"") + b"\xff"
    path.write_bytes(lines[0] + middle[:at] + clean + b"\n" + lines[2] + lines[3])
    found = [record.began.id for record in ActionJournal(path).records()]
    assert found == ["a0", "a2", "a3"]


def test_a_disk_that_refuses_costs_no_line(
    journal: ActionJournal, path: Path, expect_log: object
) -> None:
    assert callable(expect_log)
    expect_log("journal of actions cannot be written")
    path.parent.parent.joinpath("data").write_text("in the way")
    assert not journal.append(began("a1"))
    assert not journal.append(began("a2"))
    assert [record.began.id for record in journal.records()] == ["a1", "a2"]
    path.parent.unlink()
    assert journal.append(began("a3"))
    assert [record.began.id for record in ActionJournal(path).records()] == ["a1", "a2", "a3"]


def test_a_write_broken_off_by_a_full_disk_is_mended(
    journal: ActionJournal, path: Path, monkeypatch: pytest.MonkeyPatch, expect_log: object
) -> None:
    assert callable(expect_log)
    expect_log("No space left")
    journal.append(began("a1"))
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(
            "omnitray.protector.actuators.journal.os.write",
            lambda target, data: write(target, data[:9]),
        )
        assert not journal.append(began("a2"))
    assert journal.append(began("a3"))
    assert [record.began.id for record in ActionJournal(path).records()] == ["a1", "a2", "a3"]


def test_compaction_keeps_the_newest_and_everything_unfinished(
    journal: ActionJournal, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "COMPACT_OVER_BYTES", 100)
    monkeypatch.setattr(journal_module, "KEPT_RECORDS", 2)
    for number in range(5):
        journal.append(began(f"a{number}"))
        if number != 1:
            journal.append(undone(f"a{number}"))
    assert journal.compact("b")
    assert [record.began.id for record in ActionJournal(path).records()] == ["a1", "a3", "a4"]
    journal.append(began("a5"))
    assert [record.began.id for record in ActionJournal(path).records()][-1] == "a5"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_short_journal_is_not_rewritten(journal: ActionJournal) -> None:
    assert not journal.compact("b")
    journal.append(began())
    assert not journal.compact("b")


def test_no_journal_is_an_empty_one(journal: ActionJournal) -> None:
    assert journal.records() == ()


def test_where_no_boot_has_a_name_nothing_is_restored(journal: ActionJournal) -> None:
    journal.append(began(boot=""))
    assert journal.unfinished("") == ()


@pytest.fixture
def spare(tmp_path: Path) -> Path:
    return tmp_path / "run.jsonl"


@pytest.mark.expect_log("journal of actions cannot be written")
def test_what_the_disk_refused_is_known_to_the_next_run(path: Path, spare: Path) -> None:
    path.parent.write_text("in the way")
    journal = ActionJournal(path, spare)
    assert not journal.append(began("a1"))
    assert not journal.append(result("a1"))
    assert journal.trouble.startswith("the journal cannot be written (")
    assert spare.stat().st_mode & 0o777 == 0o600
    after = ActionJournal(path, spare)
    assert [record.began.id for record in after.unfinished("b")] == ["a1"]
    path.parent.unlink()
    assert after.append(undone("a1"))
    assert (after.trouble, spare.exists()) == ("", False)
    assert ActionJournal(path, spare).unfinished("b") == ()


@pytest.mark.expect_log("journal of actions cannot be written")
def test_a_sync_that_fails_is_said_though_the_line_is_written(
    journal: ActionJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("omnitray.protector.actuators.journal.os.fsync", broken)
        assert not journal.append(began("a1"))
    assert journal.trouble == "the journal cannot be written (Input/output error)"
    assert journal.append(result("a1"))
    assert journal.trouble == ""
    (record,) = journal.records()
    assert record.result is not None


def test_what_the_guardian_writes_is_seen_by_who_has_read_already(
    journal: ActionJournal, path: Path
) -> None:
    journal.append(began("a1"))
    assert len(journal.unfinished("b")) == 1
    ActionJournal(path).append(undone("a1"))
    assert journal.unfinished("b") == ()


def test_each_line_is_read_once(journal: ActionJournal, path: Path) -> None:
    for number in range(3):
        journal.append(began(f"a{number}"))
    first = journal.records()
    journal.append(result("a2"))
    again = journal.records()
    assert [old is new for old, new in zip(first, again, strict=True)] == [True, True, False]
    path.write_bytes(b"")
    assert journal.records() == ()


def test_a_line_whose_end_is_missing_counts_until_it_is_ended(
    journal: ActionJournal, path: Path
) -> None:
    journal.append(began("a1"))
    journal.close()
    path.write_bytes(path.read_bytes()[:-1])
    after = ActionJournal(path)
    assert len(after.records()) == 1
    after.append(undone("a1"))
    assert after.unfinished("b") == ()
    assert after.damaged == 0


def test_a_journal_that_stays_long_is_not_rewritten_at_every_look(
    journal: ActionJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "COMPACT_OVER_BYTES", 100)
    journal.append(began("a1"))
    assert journal.compact("b")
    assert not journal.compact("b")
