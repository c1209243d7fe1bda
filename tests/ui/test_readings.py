import msgspec

from omnitray.base.facts import MonitorLevel
from omnitray.ui.charts import readings
from omnitray.ui.charts.readings import ChartReadings
from support import samples


def test_every_figure_of_a_snapshot_gets_its_track() -> None:
    shared = ChartReadings()
    shared.replace(samples.snapshots(20))
    assert {name: len(track) for name, track in shared.tracks.items()} == dict.fromkeys(
        readings.FIGURES, 20
    )
    assert shared.newest is not None


def test_a_break_in_the_readings_breaks_the_lines() -> None:
    shared = ChartReadings()
    first, second, third = samples.snapshots(3)
    shared.replace([first, second, msgspec.structs.replace(third, interval_s=None)])
    assert [shared.tracks["memory_percent"].begins_line(n) for n in range(3)] == [True, False, True]


def test_the_rhythm_of_the_level_decides_what_is_late() -> None:
    late_s = 70.0
    first, second, third = (
        msgspec.structs.replace(shot, monotonic_s=late_s * n, taken_at=samples.NOW + late_s * n)
        for n, shot in enumerate(samples.snapshots(3))
    )
    idle, idler = (msgspec.structs.replace(x, level=MonitorLevel.IDLE) for x in (first, second))
    shared = ChartReadings()
    shared.replace([idle, idler, third])  # 30 s are expected at IDLE, 5 s at NORMAL
    track = shared.tracks["cpu_percent"]
    assert not track.begins_line(1)
    assert not track.begins_line(2)
    shared.replace([first, second])
    assert track.begins_line(1)


def test_replacing_starts_over() -> None:
    shared = ChartReadings()
    shared.replace(samples.snapshots(20))
    shared.replace(samples.snapshots(5))
    assert len(shared.tracks["cpu_percent"]) == 5


def test_the_cards_say_figures_with_their_units() -> None:
    shot = samples.snapshots(3)[-1]
    assert readings.cpu_words(shot)[1] == "pressure 12 % · load 6.1 on 8 cores"
    assert readings.memory_words(shot)[1].endswith(" free · 32.0 GB in all · swap 600 MB")
    assert readings.disk_words(shot)[1] == "/home 61 % full"
    assert readings.network_words(shot)[1] == "214 connections"


def test_figures_that_could_not_be_read_are_dashes_not_zeros() -> None:
    shot = msgspec.structs.replace(
        samples.snapshots(3)[-1],
        cpu_percent=None,
        memory=None,
        disks=(),
        disk_read_bps=None,
        disk_write_bps=None,
        net_recv_bps=None,
        net_sent_bps=None,
        connections=None,
        pressure=None,
        load=None,
    )
    for words in (
        readings.cpu_words,
        readings.memory_words,
        readings.disk_words,
        readings.network_words,
    ):
        assert words(shot) == ("–", "")
