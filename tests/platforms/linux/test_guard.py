"""What wakes the guard early: the kernel's own triggers, and compressed swap."""

import select
from pathlib import Path

import pytest

from omnitray.platforms import current
from omnitray.platforms.linux.sampling import LinuxWakers


def test_compressed_swap_is_summed_over_its_devices(tmp_path: Path) -> None:
    for number, taken in ((0, 1000), (1, 24)):
        folder = tmp_path / f"sys/block/zram{number}"
        folder.mkdir(parents=True)
        (folder / "mm_stat").write_text(f"  5000  900 {taken} 0 0 0 0 0 0\n")
    (tmp_path / "sys/block/zram2").mkdir()
    (tmp_path / "sys/block/zram2/mm_stat").write_text("")
    wakers = LinuxWakers(tmp_path)
    assert wakers.zram_bytes() == 1024
    wakers.close()


def test_a_kernel_without_pressure_has_no_triggers(tmp_path: Path) -> None:
    wakers = LinuxWakers(tmp_path)
    assert wakers.triggers() == ()
    wakers.close()


def test_real_triggers_are_taken_and_can_be_waited_for() -> None:
    if not Path("/proc/pressure/memory").exists():
        pytest.skip("this kernel keeps no pressure")
    wakers = LinuxWakers()
    triggers = wakers.triggers()
    assert len(triggers) == 3
    poller = select.poll()
    for each in triggers:
        poller.register(each, select.POLLPRI)
    assert not any(event & select.POLLERR for _, event in poller.poll(0))
    assert wakers.triggers() == triggers
    wakers.close()


def test_the_platforms_source_reads_this_machine() -> None:
    source = current().guard_source()
    reading = source.read()
    assert reading is not None
    assert 0 < reading.memory.available_bytes <= reading.memory.total_bytes
    source.close()
