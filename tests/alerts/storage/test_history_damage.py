"""Whatever happens to the bytes, the history opens, loses nothing sound and says what it met."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omnitray.alerts.model import Alert
from omnitray.alerts.storage import files
from omnitray.alerts.storage.history import History
from omnitray.alerts.storage.query import AlertQuery
from support.alerting import START, an_alert
from support.clock import FakeClock

WHOLE = files.encode(an_alert(1, message="ünïcödé مرحبا", context={"cpu": 91.5}))


def test_a_file_cut_off_anywhere_is_damaged() -> None:
    for length in range(len(WHOLE.rstrip())):
        with pytest.raises(files.DamagedError):
            files.decode(WHOLE[:length])


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_no_bytes_do_worse_than_being_damaged(data: bytes) -> None:
    with pytest.raises((files.DamagedError, files.FutureSchemaError)):
        files.decode(data)


@given(place=st.integers(0, len(WHOLE) - 1), flip=st.integers(1, 255))
def test_a_flipped_byte_gives_an_alert_or_damage(place: int, flip: int) -> None:
    data = bytearray(WHOLE)
    data[place] ^= flip
    try:
        alert = files.decode(bytes(data))
    except (files.DamagedError, files.FutureSchemaError):
        return
    assert isinstance(alert, Alert)
    files.file_name(alert)


@pytest.mark.parametrize(
    "text",
    [
        '{"schema": 0}',
        '{"schema": "1"}',
        '{"schema": null}',
        "[]",
        "null",
        "[" * 100_000,
        '{"schema": 1, "id": 5}',
        WHOLE.decode().replace("2026-11-22", "2026-99-22"),
        WHOLE.decode().replace('"firing"', '"burning"'),
        WHOLE.decode().replace('"schema": 1', '"schema": 0'),
    ],
)
def test_what_is_no_alert_of_ours_is_damaged(text: str) -> None:
    with pytest.raises(files.DamagedError):
        files.decode(text.encode("utf-8", "replace"))


KINDS = st.sampled_from(
    ["truncate", "empty", "garbage", "remove", "copy", "link", "touch", "index"]
)
DAMAGES = st.lists(st.tuples(KINDS, st.integers(0, 7), st.integers(0, 400)), max_size=6)


def do_harm(folder: Path, kind: str, which: int, amount: int) -> str | None:
    """Do it; what comes back is the name of the alert file that is no longer sound."""
    paths = sorted(folder.glob("alert_*.json"))
    if kind == "index":
        (folder / "index.json").write_bytes(b"\x00" * amount)
        return None
    if not paths:
        return None
    path = paths[which % len(paths)]
    if kind == "remove":
        path.unlink()
    elif kind == "link":
        path.unlink()
        path.symlink_to("/etc/hostname")
    elif kind == "touch":
        path.touch()
        return None
    elif kind == "copy":
        path.with_name(f"alert_{amount}_CRITICAL.json").write_bytes(path.read_bytes())
        return None
    else:
        data = path.read_bytes()
        changed = {"truncate": data[:amount], "empty": b"", "garbage": b"\xff" * amount}[kind]
        path.write_bytes(changed)
        return None if changed.rstrip() == data.rstrip() else path.name
    return path.name


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(damages=DAMAGES, closed=st.booleans())
def test_damage_costs_only_what_it_hit(
    tmp_path_factory: pytest.TempPathFactory,
    damages: list[tuple[str, int, int]],
    *,
    closed: bool,
) -> None:
    folder = tmp_path_factory.mktemp("harm") / "alerts"
    history = History(folder, FakeClock(), live=8)
    paths = {}
    for number in range(12):
        paths[history.store(an_alert(number, at=START + number)).name] = number
    history.settle()
    history.close()
    if closed:
        (folder / "index.json").unlink()
    hit = {paths[name] for harm in damages if (name := do_harm(folder, *harm)) in paths}
    again = History(folder, FakeClock(), live=8, report=lambda _: None)
    found = [int(alert.id, 16) for alert in again.query(AlertQuery())]
    assert len(set(found)) == len(found)
    assert set(range(12)) - hit <= set(found)
    fresh = an_alert(99, at=START + 99)
    assert again.store(fresh).exists()
    again.close()
    assert History(folder, FakeClock(), live=8, report=lambda _: None).get(fresh.id) == fresh
