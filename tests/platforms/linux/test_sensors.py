from pathlib import Path

import pytest

from omnitray.base.facts import BatteryFacts, TemperatureFacts
from omnitray.platforms.linux.sampling import battery, gpu_percent, temperatures
from support.fake_proc import FakeRoot


@pytest.fixture
def root(tmp_path: Path) -> FakeRoot:
    return FakeRoot(tmp_path)


def files(root: FakeRoot, folder: str, **contents: object) -> None:
    for name, content in contents.items():
        root.write(f"{folder}/{name}", f"{content}\n")


def test_sensors_are_named_and_the_hottest_comes_first(root: FakeRoot) -> None:
    files(root, "hwmon/hwmon0", name="nvme", temp1_input=38850, temp1_label="Composite")
    files(root, "hwmon/hwmon1", name="k10temp", temp1_input=61250, temp1_crit=99000)
    assert temperatures(root.path) == (
        TemperatureFacts(label="k10temp", celsius=61.25),
        TemperatureFacts(label="nvme Composite", celsius=38.85),
    )


def test_a_disk_is_not_woken_to_ask_how_warm_it_is(root: FakeRoot) -> None:
    files(root, "hwmon/hwmon0", name="drivetemp", temp1_input=30000)
    assert temperatures(root.path) == ()


@pytest.mark.parametrize("nonsense", ["", "-273000", "999999", "x"])
def test_a_sensor_that_talks_nonsense_is_left_out(root: FakeRoot, nonsense: str) -> None:
    files(root, "hwmon/hwmon0", name="acpitz", temp1_input=nonsense)
    assert temperatures(root.path) == ()


def test_without_sensors_the_thermal_zones_answer(root: FakeRoot) -> None:
    files(root, "thermal/thermal_zone0", type="x86_pkg_temp", temp=55000)
    files(root, "thermal/cooling_device0", type="Fan", temp=1)
    assert temperatures(root.path) == (TemperatureFacts(label="x86_pkg_temp", celsius=55.0),)


def test_of_several_gpus_the_busiest_counts(root: FakeRoot) -> None:
    files(root, "drm/card0/device", gpu_busy_percent=12)
    files(root, "drm/card1/device", gpu_busy_percent=87)
    files(root, "drm/card2/device", vendor="0x8086")  # says nothing
    files(root, "drm/card3/device", gpu_busy_percent=4711)
    assert gpu_percent(root.path) == 87.0


def test_a_gpu_that_sleeps_is_not_woken_to_ask_how_busy_it_is(root: FakeRoot) -> None:
    files(root, "drm/card0/device", gpu_busy_percent=99)
    files(root, "drm/card0/device/power", runtime_status="suspended")
    assert gpu_percent(root.path) == 0.0


@pytest.mark.parametrize("nonsense", ["", "x", "-1"])
def test_a_gpu_that_says_nothing_is_not_known(root: FakeRoot, nonsense: str) -> None:
    files(root, "drm/card0/device", gpu_busy_percent=nonsense)
    assert gpu_percent(root.path) is None


def test_a_battery_that_empties_says_for_how_long(root: FakeRoot) -> None:
    files(
        root,
        "power_supply/BAT0",
        type="Battery",
        status="Discharging",
        energy_now=20_000_000,
        energy_full=50_000_000,
        power_now=10_000_000,
    )
    files(root, "power_supply/AC", type="Mains", online=0)
    assert battery(root.path) == BatteryFacts(percent=40.0, discharging=True, left_s=7200.0)


def test_two_batteries_are_one(root: FakeRoot) -> None:
    for name, now in (("BAT0", 10), ("BAT1", 30)):
        files(
            root,
            f"power_supply/{name}",
            type="Battery",
            status="Discharging" if name == "BAT1" else "Unknown",
            charge_now=now,
            charge_full=40,
            current_now=-10 if name == "BAT1" else 0,
        )
    assert battery(root.path) == BatteryFacts(percent=50.0, discharging=True, left_s=14400.0)


def test_a_battery_that_says_little_still_says_how_full_it_is(root: FakeRoot) -> None:
    files(root, "power_supply/BAT0", type="Battery", status="Charging", capacity=77)
    assert battery(root.path) == BatteryFacts(percent=77.0, discharging=False)


def test_the_battery_of_a_mouse_is_not_ours(root: FakeRoot) -> None:
    files(root, "power_supply/hid", type="Battery", scope="Device", capacity=5)
    assert battery(root.path) is None
