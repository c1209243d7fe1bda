"""The shape of the settings: frozen, with the names of ``config.toml`` to the letter.

The values that steer the core keep their home in ``core/policy.py``; here they are composed into
one file. Defaults stand in the structs alone.
"""

from typing import Final, Literal

import msgspec

from omnitray.base.facts import Mode, MonitorLevel, ProtectState, Severity
from omnitray.base.policy import (
    AlertPolicy,
    ModeLimits,
    MonitorPolicy,
    ProtectPolicy,
    Thresholds,
)

AUTO: Final = "auto"
LevelChoice = Literal["auto", "idle", "normal", "intensive", "critical"]
LOOPBACK = ("127.0.0.1", "localhost", "::1")
_PROTECT = ProtectPolicy()
_NOTIFY = AlertPolicy()
_MONITOR = MonitorPolicy()


class MonitorSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``[monitor]``."""

    save_on_battery: bool = _MONITOR.save_on_battery
    grace_s: float = _MONITOR.grace_s
    calm_s: float = _MONITOR.calm_s


class ProtectSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``[protect]`` and the limits of each mode under it."""

    state: ProtectState = _PROTECT.state
    protected: tuple[str, ...] = _PROTECT.protected
    disk_clean_percent: float = _PROTECT.disk_clean_percent
    disk_target_percent: float = _PROTECT.disk_target_percent
    disk_danger_percent: float = _PROTECT.disk_danger_percent
    disk_runs_out_s: float = _PROTECT.disk_runs_out_s
    dev: ModeLimits = _PROTECT.dev
    test: ModeLimits = _PROTECT.test
    prod: ModeLimits = _PROTECT.prod


class ApiSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``[api]``."""

    enabled: bool = True
    port: int = 8137
    listen: str = "127.0.0.1"
    certificate: str = ""
    key: str = ""

    @property
    def open_to_others(self) -> bool:
        """Whether it listens on more than the loopback interface."""
        return self.listen not in LOOPBACK


class NotificationSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``[notifications]``."""

    enabled: bool = _NOTIFY.enabled
    repeat_floor_s: float = _NOTIFY.repeat_floor_s
    repeat_s: float = _NOTIFY.repeat_s
    repeat_critical_s: float = _NOTIFY.repeat_critical_s
    from_severity: Severity = msgspec.field(default=_NOTIFY.notify_from, name="from")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a person can set, always complete and valid."""

    mode: Mode = _PROTECT.mode
    level: LevelChoice = AUTO
    monitor: MonitorSettings = MonitorSettings()
    thresholds: Thresholds = Thresholds()
    protect: ProtectSettings = ProtectSettings()
    api: ApiSettings = ApiSettings()
    notifications: NotificationSettings = NotificationSettings()

    @property
    def chosen_level(self) -> MonitorLevel | None:
        """The person's level; None means automatic."""
        return None if self.level == AUTO else MonitorLevel(self.level)

    def monitor_policy(self) -> MonitorPolicy:
        """What steers the monitor."""
        return MonitorPolicy(
            level=self.chosen_level,
            thresholds=self.thresholds,
            save_on_battery=self.monitor.save_on_battery,
            grace_s=self.monitor.grace_s,
            calm_s=self.monitor.calm_s,
        )

    def alert_policy(self) -> AlertPolicy:
        """What steers notifications."""
        return AlertPolicy(
            enabled=self.notifications.enabled,
            repeat_floor_s=self.notifications.repeat_floor_s,
            repeat_s=self.notifications.repeat_s,
            repeat_critical_s=self.notifications.repeat_critical_s,
            notify_from=self.notifications.from_severity,
        )

    def protect_policy(self) -> ProtectPolicy:
        """What steers the protector."""
        return ProtectPolicy(
            mode=self.mode,
            state=self.protect.state,
            protected=self.protect.protected,
            dev=self.protect.dev,
            test=self.protect.test,
            prod=self.protect.prod,
            disk_clean_percent=self.protect.disk_clean_percent,
            disk_target_percent=self.protect.disk_target_percent,
            disk_danger_percent=self.protect.disk_danger_percent,
            disk_runs_out_s=self.protect.disk_runs_out_s,
        )
