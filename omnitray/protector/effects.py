"""What an action did for the machine: figures before it and after, and how long relief took."""

import msgspec

from omnitray.base.amounts import size
from omnitray.base.conditions import others_waited
from omnitray.base.facts import GuardReading, Probe, Resource
from omnitray.protector.context import GROWTH_TELLS
from omnitray.protector.view import Effect

_WATCHED_S = 20.0  # what comes later has other causes
_RELIEVED_SHARE = 0.5  # pressure has halved, or a key press takes half of what it took more


class _EffectSeries(msgspec.Struct):
    resource: Resource
    before: GuardReading
    before_probe: Probe | None
    after: GuardReading | None = None
    after_probe: Probe | None = None
    relief_s: float | None = None
    over: bool = False


class Effects:
    """Follows each action for a while."""

    def __init__(self) -> None:
        self._courses: dict[str, _EffectSeries] = {}

    @property
    def following(self) -> bool:
        """Whether an action is young enough to be followed."""
        return any(course.relief_s is None and not course.over for course in self._courses.values())

    def begin(
        self, action_id: str, resource: Resource, reading: GuardReading, probe: Probe | None
    ) -> None:
        """An action is being done, and this is how things stood."""
        self._courses[action_id] = _EffectSeries(resource, reading, probe)

    def observe(self, reading: GuardReading, probe: Probe | None) -> None:
        """A later reading."""
        for course in self._courses.values():
            since_s = reading.monotonic_s - course.before.monotonic_s
            if since_s > _WATCHED_S:
                course.over = True
                continue
            course.after, course.after_probe = reading, probe or course.after_probe
            if not _is_relief(course):
                course.relief_s = None  # none, or one that did not last
            elif course.relief_s is None:
                course.relief_s = since_s

    def forget(self, known: set[str]) -> None:
        """Keep only these actions' courses."""
        self._courses = {key: value for key, value in self._courses.items() if key in known}

    def of(self, action_id: str) -> tuple[Effect, ...]:
        """The rows of one action, as far as something was seen."""
        course = self._courses.get(action_id)
        if course is None or course.after is None:
            return ()
        rows = [*_memory_rows(course.before, course.after), *_pressure_rows(course, course.after)]
        if course.before_probe and course.after_probe:
            before, after = course.before_probe.now_ms, course.after_probe.now_ms
            rows += _row("A key press takes", f"{before:.0f} ms", f"{after:.0f} ms")
        if course.relief_s is not None:
            rows.append(Effect(name="Time to relief", figure=f"{course.relief_s:.2f} s"))
        return tuple(rows)


def _is_relief(course: _EffectSeries) -> bool:
    """Whether what was short is so no longer; where nothing was, there is no relief.

    Memory has to come back by more than the noise of a desktop. For processors the probe measures
    what a person waits for; without one pressure says it.
    """
    before, after = course.before, course.after
    if after is None:
        return False
    if course.resource is Resource.MEMORY:
        came_back = after.memory.available_bytes - before.memory.available_bytes
        return came_back >= GROWTH_TELLS * before.memory.total_bytes
    if course.resource is Resource.CPU and course.before_probe and course.after_probe:
        then, now = course.before_probe, course.after_probe
        extra, left = then.now_ms - then.quiet_ms, now.now_ms - now.quiet_ms
        return bool(others_waited(None, then)) and left <= _RELIEVED_SHARE * extra
    waited, waits = _cpu_wait(before), _cpu_wait(after)
    if waited is None or waits is None or not others_waited(before.pressure, None):
        return False
    return waits <= _RELIEVED_SHARE * waited


def _memory_rows(before: GuardReading, after: GuardReading) -> list[Effect]:
    was, is_now = size(before.memory.available_bytes), size(after.memory.available_bytes)
    return _row("Available memory", was, is_now)


def _pressure_rows(course: _EffectSeries, after: GuardReading) -> list[Effect]:
    name = "CPU pressure" if course.resource is Resource.CPU else "Memory pressure"
    read = _cpu_wait if course.resource is Resource.CPU else _memory_wait
    before, now = read(course.before), read(after)
    if before is None or now is None:
        return []
    return _row(name, f"{before:.0f} %", f"{now:.0f} %")


def _row(name: str, before: str, after: str) -> list[Effect]:
    """``12 → 190 MB``, the unit once where it is the same; nothing where nothing has changed."""
    if before == after:
        return []
    figure, _, unit = before.partition(" ")
    first = figure if after.endswith(f" {unit}") else before
    return [Effect(name=name, figure=f"{first} → {after}")]


def _cpu_wait(reading: GuardReading) -> float | None:
    pressure = reading.pressure.cpu if reading.pressure else None
    return pressure.some_avg10 if pressure else None


def _memory_wait(reading: GuardReading) -> float | None:
    pressure = reading.pressure.memory if reading.pressure else None
    return pressure.some_avg10 if pressure else None
