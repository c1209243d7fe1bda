"""Temperatures and batteries from /sys/class. Slow ones exist: the sampler asks seldom."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from omnitray.base.facts import BatteryFacts, TemperatureFacts
from omnitray.platforms.linux.files import read_number, read_text

_SANE_C = range(-50, 151)
_MOST = 16
_WAKES_DISKS = frozenset({"drivetemp"})  # reading it can spin a sleeping disk up
_INPUT = re.compile(r"temp(\d+)_input$")


def temperatures(class_folder: Path) -> tuple[TemperatureFacts, ...]:
    """The hwmon sensors, else the thermal zones; at most 16, the hottest first."""
    found = list(_hwmon(class_folder / "hwmon")) or list(_zones(class_folder / "thermal"))
    return tuple(sorted(found, key=lambda each: -each.celsius)[:_MOST])


def _hwmon(folder: Path) -> Iterator[TemperatureFacts]:
    for chip in _entries(folder):
        name = read_text(chip / "name") or chip.name
        if name in _WAKES_DISKS:
            continue
        for file in _entries(chip):
            if found := _INPUT.match(file.name):
                label = read_text(chip / f"temp{found[1]}_label")
                yield from _sane(f"{name} {label}" if label else name, read_number(file))


def _zones(folder: Path) -> Iterator[TemperatureFacts]:
    for zone in _entries(folder):
        if zone.name.startswith("thermal_zone"):
            yield from _sane(read_text(zone / "type") or zone.name, read_number(zone / "temp"))


def _sane(label: str, thousandths: int | None) -> Iterator[TemperatureFacts]:
    if thousandths is not None and thousandths // 1000 in _SANE_C:
        yield TemperatureFacts(label=label, celsius=thousandths / 1000)


def battery(class_folder: Path) -> BatteryFacts | None:
    """All batteries of the machine (not of its mouse) as one."""
    supplies = [each for each in _entries(class_folder / "power_supply") if _is_battery(each)]
    charges = [charge for each in supplies if (charge := _charge(each)) is not None]
    # Two batteries that count in different units cannot be added up: the first one speaks.
    charges = [charge for charge in charges if charge.unit == charges[0].unit]
    if not charges:
        return None
    now, full = sum(each.now for each in charges), sum(each.full for each in charges)
    drain = sum(each.drain for each in charges)
    discharging = any(read_text(each / "status") == "Discharging" for each in supplies)
    return BatteryFacts(
        percent=max(0.0, min(100.0, 100.0 * now / full)),
        discharging=discharging,
        left_s=3600.0 * now / drain if discharging and drain else None,
    )


class _Charge(msgspec.Struct, frozen=True, kw_only=True):
    """``drain`` is what is used in an hour, 0 where that is not known."""

    unit: str
    now: int
    full: int
    drain: int = 0


def _charge(supply: Path) -> _Charge | None:
    for unit, flow in (("energy", "power"), ("charge", "current")):
        now, full = read_number(supply / f"{unit}_now"), read_number(supply / f"{unit}_full")
        if now is not None and full:
            drain = abs(read_number(supply / f"{flow}_now") or 0)
            return _Charge(unit=unit, now=now, full=full, drain=drain)
    percent = read_number(supply / "capacity")
    return None if percent is None else _Charge(unit="percent", now=percent, full=100)


def _is_battery(supply: Path) -> bool:
    return read_text(supply / "type") == "Battery" and read_text(supply / "scope") != "Device"


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
