"""What the person may set, as the core sees it: frozen values with the defaults of the design.

``settings.py`` composes these into the settings file; nothing here knows about files.
"""

import msgspec

from omnitray.base.facts import Mode, MonitorLevel, ProtectState, Severity


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """Thresholds of one resource, in per cent of the machine, with hysteresis.

    It fires when the value has been at or over ``warning`` (``critical``) for ``hold_s`` and
    clears when it has been under the threshold minus ``clear_below`` for ``hold_s``; a threshold
    so low that this would never be clears under its half.
    """

    warning: float
    critical: float
    clear_below: float = 10.0
    hold_s: float = 5.0

    def clears_under(self, threshold: float) -> float:
        """The value (per cent) under which a passed ``threshold`` counts as cleared."""
        return max(threshold - self.clear_below, threshold / 2)


class Thresholds(msgspec.Struct, frozen=True, kw_only=True):
    """A band for each resource."""

    cpu: Band = Band(warning=70.0, critical=85.0)
    memory: Band = Band(warning=75.0, critical=90.0)
    disk: Band = Band(warning=80.0, critical=95.0)


class MonitorPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What steers the monitor. ``level`` None means automatic: NORMAL, escalating by itself."""

    level: MonitorLevel | None = None
    thresholds: Thresholds = Thresholds()
    save_on_battery: bool = False  # one level lower while discharging
    grace_s: float = 60.0  # after start or resume: no resource alert unless critical
    calm_s: float = 30.0  # clear for so long before an escalation is taken back


class AlertPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What steers notifications; the history gets every alert whatever stands here."""

    enabled: bool = True
    repeat_floor_s: float = 60.0
    repeat_s: float = 4 * 3600.0
    repeat_critical_s: float = 3600.0
    notify_from: Severity = Severity.CRITICAL


class ModeLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The ladder in one mode: its limits, and how far it goes when nobody answers.

    The times after which a job is paused or ended run from the question; 0 is for never without
    an answer.
    """

    cpu_percent: float
    memory_percent: float
    hold_s: float
    memory_floor_percent: float = 5.0
    swap_floor_percent: float = 10.0
    memory_runs_out_s: float = 30.0  # foretold within this, what grows is paused
    memory_end_after_s: float = 0.0
    cpu_pause_after_s: float = 0.0
    cpu_end_after_s: float = 0.0  # from the pause
    clean_asks_first: bool = False


class ProtectPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What steers the protector."""

    mode: Mode = Mode.DEV
    state: ProtectState = ProtectState.ON
    protected: tuple[str, ...] = ()
    dev: ModeLimits = ModeLimits(
        cpu_percent=75.0, memory_percent=80.0, hold_s=3.0, clean_asks_first=True
    )
    test: ModeLimits = ModeLimits(
        cpu_percent=85.0,
        memory_percent=85.0,
        hold_s=5.0,
        cpu_pause_after_s=60.0,
        cpu_end_after_s=600.0,
    )
    prod: ModeLimits = ModeLimits(
        cpu_percent=90.0,
        memory_percent=90.0,
        hold_s=10.0,
        memory_end_after_s=30.0,
        cpu_pause_after_s=30.0,
        cpu_end_after_s=300.0,
    )
    disk_clean_percent: float = 80.0
    disk_target_percent: float = 75.0
    disk_danger_percent: float = 95.0  # from here the writer is held
    disk_runs_out_s: float = 120.0  # likewise when it is foretold to be full within this

    @property
    def limits(self) -> ModeLimits:
        """The limits of the mode in force."""
        return {Mode.DEV: self.dev, Mode.TEST: self.test, Mode.PROD: self.prod}[self.mode]
