import gzip
import tracemalloc
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omnitray.alerts.storage.archive import Archive, GzipLines
from omnitray.base.durable import StorageError
from support.alerting import an_alert

MONTH = "alerts-2026-11.jsonl.gz"


def archive_in(folder: Path) -> Archive:
    return Archive(folder / "archive", folder / "quarantine")


def numbers(archive: Archive) -> list[int]:
    return [int(head.id, 16) for _, head in archive.heads(MONTH)]


def append(archive: Archive, which: Iterable[int]) -> None:
    archive.append(an_alert(number) for number in which)


def test_alerts_go_to_the_file_of_their_month(tmp_path: Path) -> None:
    archive = archive_in(tmp_path)
    october = an_alert(1, first_seen="2026-10-31T23:59:59.999Z")
    paths = archive.append([october, an_alert(2)])
    assert [path.name for path in paths.values()] == ["alerts-2026-10.jsonl.gz", MONTH]
    assert [mark.count for mark in archive.months()] == [1, 1]
    assert (tmp_path / "archive" / MONTH).stat().st_mode & 0o777 == 0o600
    assert archive.find(october.id) == (october, tmp_path / "archive" / "alerts-2026-10.jsonl.gz")
    assert archive.find("nobody") is None


def test_a_later_line_is_a_later_version(tmp_path: Path) -> None:
    archive = archive_in(tmp_path)
    archive.append([an_alert(1)])
    archive.append([an_alert(1, state="resolved", resolved_at="2026-11-23T00:00:00.000Z")])
    found = archive.find(an_alert(1).id)
    assert found is not None
    assert found[0].state == "resolved"
    assert archive.months()[0].count == 1


def test_many_small_members_become_one(tmp_path: Path) -> None:
    archive = archive_in(tmp_path)
    for number in range(120):
        append(archive, [number])
    assert numbers(archive) == list(range(120))
    lines = GzipLines(tmp_path / "archive" / MONTH)
    assert len(list(lines)) == 120
    assert lines.members < 60
    assert not lines.damaged


def test_a_torn_file_is_repaired_before_anything_is_added(tmp_path: Path) -> None:
    append(archive_in(tmp_path), range(5))
    path = tmp_path / "archive" / MONTH
    with path.open("ab") as file:
        file.write(gzip.compress(b'{"id": "half')[:20])
    archive = archive_in(tmp_path)
    append(archive, [5])
    assert numbers(archive) == [0, 1, 2, 3, 4, 5]
    assert len(gzip.decompress(path.read_bytes()).splitlines()) == 6
    assert len(list((tmp_path / "quarantine").iterdir())) == 1


def test_a_full_disk_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = archive_in(tmp_path)
    append(archive, range(3))
    before = (tmp_path / "archive" / MONTH).read_bytes()

    def refuse(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("omnitray.alerts.storage.archive.os.fsync", refuse)
        with pytest.raises(StorageError):
            append(archive, range(3, 6))
    assert (tmp_path / "archive" / MONTH).read_bytes() == before
    append(archive, [3])
    assert numbers(archive) == [0, 1, 2, 3]


def test_a_line_of_a_newer_version_is_kept(tmp_path: Path) -> None:
    archive = archive_in(tmp_path)
    append(archive, [1])
    path = tmp_path / "archive" / MONTH
    strange = b'{"schema": 9, "ident": "x"}\n'
    path.write_bytes(path.read_bytes() + gzip.compress(strange) + b"torn")
    archive = archive_in(tmp_path)
    append(archive, [2])
    assert numbers(archive) == [1, 2]
    assert strange in gzip.decompress(path.read_bytes())


def members(counts: list[int]) -> tuple[list[bytes], list[list[bytes]]]:
    lines = [[b"%d-%d\n" % (n, i) for i in range(count)] for n, count in enumerate(counts)]
    return [gzip.compress(b"".join(each)) for each in lines], lines


@given(counts=st.lists(st.integers(1, 40), min_size=1, max_size=4), data=st.data())
def test_whatever_is_cut_off_the_members_before_are_read(
    tmp_path_factory: pytest.TempPathFactory, counts: list[int], data: st.DataObject
) -> None:
    packed, lines = members(counts)
    whole = b"".join(packed)
    cut = data.draw(st.integers(0, len(whole)))
    path = tmp_path_factory.mktemp("cut") / "x.gz"
    path.write_bytes(whole[:cut])
    reader = GzipLines(path)
    found = list(reader)
    everything = [line for each in lines for line in each]
    assert found == everything[: len(found)]
    complete = sum(len(b"".join(packed[: n + 1])) <= cut for n in range(len(packed)))
    assert len(found) >= sum(counts[:complete])
    ends = {len(b"".join(packed[:n])) for n in range(len(packed) + 1)}
    assert reader.damaged == (cut not in ends)


@settings(max_examples=200)
@given(counts=st.lists(st.integers(1, 40), min_size=3, max_size=3), data=st.data())
def test_a_hole_in_one_member_costs_no_other(
    tmp_path_factory: pytest.TempPathFactory, counts: list[int], data: st.DataObject
) -> None:
    packed, lines = members(counts)
    broken = bytearray(packed[1])
    place = data.draw(st.integers(10, len(broken) - 9))
    broken[place] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.mktemp("hole") / "x.gz"
    path.write_bytes(packed[0] + bytes(broken) + packed[2])
    reader = GzipLines(path)
    found = set(reader)
    assert found >= set(lines[0]) | set(lines[2])
    # A flipped bit of padding changes nothing.
    assert reader.damaged or found == {line for each in lines for line in each}


def test_what_stands_before_a_hole_in_a_large_member_is_read(tmp_path: Path) -> None:
    lines = [b"%064d\n" % (number * 7919 % 1_000_003) for number in range(2000)]
    packed = bytearray(gzip.compress(b"".join(lines)))
    packed[len(packed) * 3 // 4] ^= 0xFF
    (tmp_path / "x.gz").write_bytes(packed)
    assert len(set(GzipLines(tmp_path / "x.gz")) & set(lines)) > 1000


def test_marks_follow_the_file_lines_are_chosen_and_strays_are_left(tmp_path: Path) -> None:
    archive = archive_in(tmp_path)
    append(archive, [0, 1])
    (tmp_path / "archive" / "alerts-2026-11.jsonl.gz.old").write_bytes(b"somebody's")
    assert [(mark.file, mark.count) for mark in archive.months()] == [(MONTH, 2)]
    append(archive, [2])
    assert [mark.count for mark in archive.months()] == [3]
    assert [alert.id for alert in archive.at(MONTH, {1})] == [an_alert(1).id]
    assert archive.files() == [MONTH]


def test_a_bomb_and_rubbish_are_read_in_bounded_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omnitray.alerts.storage.archive._LINE_BYTES", 1_000_000)
    monkeypatch.setattr("omnitray.alerts.storage.archive._UNPACKED_BYTES", 50_000_000)
    one = gzip.compress(b"one\n")
    bomb = gzip.compress(b"x" * 20_000_000)
    path = tmp_path / "x.gz"
    path.write_bytes(one + bomb + one)
    tracemalloc.start()
    reader = GzipLines(path)
    assert list(reader) == [b"one\n", b"one\n"]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert reader.damaged
    assert peak < 10_000_000
    monkeypatch.setattr("omnitray.alerts.storage.archive._UNPACKED_BYTES", 5_000_000)
    path.write_bytes(gzip.compress(b"\n" * 6_000_000))
    blanks = GzipLines(path)
    assert sum(1 for _ in blanks) <= 5_000_000 + (1 << 16)
    assert blanks.damaged
    path.write_bytes(b"\x1f\x8b\x08" * 100_000)
    assert list(GzipLines(path)) == []


@pytest.mark.expect_log("cannot be read to its end")
def test_a_month_that_cannot_be_read_to_its_end_is_counted_again_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    archive = archive_in(tmp_path)
    append(archive, [0, 1])

    def refuse(_handle: int, _count: int) -> bytes:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("os.read", refuse)
        assert [mark.count for mark in archive.months()] == [0]
    assert [mark.count for mark in archive.months()] == [2]
    assert len([each for each in caplog.records if "to its end" in each.message]) == 1
