"""A place of its own for the watchdog, outside the unit that may be ended together with us."""

import logging

from omnitray.base.dbus import BlockingSessionBus
from omnitray.platforms.linux.proc import Proc
from omnitray.platforms.linux.units import UserUnits
from omnitray.protector.actuators.system import AccessRefused, Gone

_log = logging.getLogger(__name__)


def own_scope(pid: int) -> None:
    """Move the watchdog into a scope; where there are none it stays where we are.

    What ends us may be the out-of-memory killer of the session, and that ends whole units.
    """
    bus = BlockingSessionBus()
    units = UserUnits(bus)
    if units.why_not():
        return
    try:
        unit = f"omnitray-guardian-{pid}.scope"
        units.adopt(unit, Proc().identify([pid]), "Continues what OmniTray has paused")
    except (Gone, AccessRefused) as refused:
        _log.info("the watchdog shares our unit: %s", refused)
    finally:
        bus.close()
