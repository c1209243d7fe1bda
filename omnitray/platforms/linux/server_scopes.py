"""A transient systemd scope for each watched server, where there is a user session of systemd.

In a scope of its own a server does not end with OmniTray's service, and what it starts stays in
the scope whatever session it makes for itself.
"""

import contextlib
import logging
from pathlib import Path

from omnitray.base.dbus import PATIENCE_S, BlockingSessionBus
from omnitray.platforms.linux.proc import Proc
from omnitray.platforms.linux.units import UserUnits
from omnitray.protector.actuators.system import AccessRefused, Gone

log = logging.getLogger(__name__)


class ServerScopes:
    """``servers.scopes.Scopes`` by the user's manager. One thread only."""

    def __init__(self, root: Path = Path("/proc"), patience_s: float = PATIENCE_S) -> None:
        self._proc = Proc(root)
        self._units = UserUnits(BlockingSessionBus(), root, patience_s=patience_s)
        self._why_not: str | None = None

    def adopt(self, name: str, pid: int) -> str:
        """Move a fresh process into ``omnitray-server-NAME-PID.scope``; its cgroup's folder."""
        if self._why_not is None:
            self._why_not = self._units.why_not()
            if self._why_not:
                log.info("watched servers have no scopes: %s", self._why_not)
        if self._why_not:
            return ""
        found = self._proc.identify((pid,))
        unit = f"omnitray-server-{name}-{pid}.scope"
        with contextlib.suppress(Gone, AccessRefused):
            self._units.adopt(unit, found, f"Server {name}, watched by OmniTray")
            return self._units.folder(unit)[1]
        return ""

    def members(self, group: str) -> frozenset[int]:
        """The pids in a cgroup and below it."""
        return self._units.group_members(group)
