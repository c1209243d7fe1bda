"""The shape of the settings: frozen, with the names of ``config.toml`` to the letter.

Sections that steer the core are declared in ``base/policy.py``; here they are composed into one
file, with what only the program itself needs.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from omnitray.base.facts import Mode, MonitorLevel
from omnitray.base.policy import (
    AlertPolicy,
    JobRule,
    MonitorPolicy,
    MonitorSettings,
    ProtectPolicy,
    ProtectSettings,
    Thresholds,
)

AUTO: Final = "auto"
LevelChoice = Literal["auto", "idle", "normal", "intensive", "critical"]
Shade = Literal["auto", "light", "dark"]
TrayShow = Literal["bars", "figure", "graph", "glyph"]
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class ApiSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``[api]``."""

    enabled: Annotated[
        bool,
        Meta(
            title="Local API",
            description="Lets the command line, tests and editors talk to OmniTray. Counts from"
            " its next start.",
        ),
    ] = True
    port: Annotated[
        int,
        Meta(
            title="Port",
            description="If it is taken, the next free one is used. Counts from the next start.",
            ge=0,
            le=65535,
        ),
    ] = 8137
    listen: Annotated[
        str,
        Meta(
            title="Address",
            description="Other machines can ask when it is not 127.0.0.1; that needs a certificate"
            " and its key.",
        ),
    ] = "127.0.0.1"
    certificate: Annotated[
        str, Meta(title="Certificate", description="The path of a PEM file, for TLS.")
    ] = ""
    key: Annotated[
        str, Meta(title="Private key", description="The path of a PEM file, for TLS.")
    ] = ""

    @property
    def open_to_others(self) -> bool:
        """Whether it listens on more than the loopback interface."""
        return self.listen not in LOOPBACK


class TraySettings(msgspec.Struct, frozen=True, kw_only=True):
    """``[tray]``."""

    panel: Annotated[
        Shade,
        Meta(
            title="Panel",
            description="What the icon stands on, so that its lines stand out; auto looks at the"
            " panel where it can, else goes by the desktop.",
        ),
    ] = AUTO
    show: Annotated[
        TrayShow,
        Meta(
            title="Icon",
            description="bars for CPU and memory, the figure of CPU in per cent, a graph of CPU"
            " over the last minute, or a plain glyph that only changes when something is up.",
        ),
    ] = "bars"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a person can set, always complete and valid."""

    mode: Annotated[
        Mode,
        Meta(
            title="Mode",
            description="How much the protector allows before it acts: dev least, prod most.",
        ),
    ] = Mode.DEV
    level: Annotated[
        LevelChoice,
        Meta(
            title="Level",
            description="How often OmniTray looks; auto looks closer by itself when something is"
            " wrong.",
        ),
    ] = AUTO
    look: Annotated[
        Shade,
        Meta(
            title="Look",
            description="Light or dark; auto follows the desktop, also when it changes.",
        ),
    ] = AUTO
    tray: TraySettings = TraySettings()
    monitor: MonitorSettings = MonitorSettings()
    thresholds: Thresholds = Thresholds()
    protect: ProtectSettings = ProtectSettings()
    rules: Annotated[
        tuple[JobRule, ...],
        Meta(
            title="Rules of your own",
            description="For jobs of your choice: always slow down, never pause or end, limits of"
            " memory and processors.",
        ),
    ] = msgspec.field(default=(), name="rule")
    api: ApiSettings = ApiSettings()
    notifications: AlertPolicy = AlertPolicy()

    @property
    def chosen_level(self) -> MonitorLevel | None:
        """The person's level; None means automatic."""
        return None if self.level == AUTO else MonitorLevel(self.level)

    def monitor_policy(self) -> MonitorPolicy:
        """What steers the monitor."""
        monitor = msgspec.structs.asdict(self.monitor)
        return MonitorPolicy(**monitor, level=self.chosen_level, thresholds=self.thresholds)

    def alert_policy(self) -> AlertPolicy:
        """What steers notifications."""
        return self.notifications

    def protect_policy(self) -> ProtectPolicy:
        """What steers the protector."""
        protect = msgspec.structs.asdict(self.protect)
        return ProtectPolicy(**protect, mode=self.mode, rules=self.rules)
