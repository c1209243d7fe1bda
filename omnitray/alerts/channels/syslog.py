"""The SYSLOG channel: one line an alert to the machine's own log, where there is one.

Spoken directly (RFC 3164, as every local log service reads it), because the standard library's
handler prints its failures instead of raising them.
"""

import os
import socket
from collections.abc import Sequence

from omnitray.alerts.decision import Decision
from omnitray.alerts.model import Alert
from omnitray.base.facts import Severity

LOCAL_SOCKETS = ("/dev/log", "/var/run/syslog")
_FACILITY_USER = 1
_LEVELS = {Severity.INFO: 6, Severity.WARNING: 4, Severity.CRITICAL: 2}
_LIMIT_BYTES = 1024  # RFC 3164, 4.1
_TIMEOUT_S = 2.0


class NoSyslogError(OSError):
    """There is no log service to send to."""


class SyslogChannel:
    """Sends to the first socket of ``addresses`` that answers; connects when first needed."""

    def __init__(self, addresses: Sequence[str] = LOCAL_SOCKETS) -> None:
        self._addresses = tuple(addresses)
        self._socket: socket.socket | None = None

    def send(self, alert: Alert, decision: Decision) -> None:
        """Send one line; raises OSError when it cannot be done, also after connecting anew."""
        data = line_for(alert, decision)
        if self._socket is not None:
            try:
                _send(self._socket, data)
            except OSError:
                self.close()  # the service was restarted: its old socket is dead
            else:
                return
        self._socket = self._connected()
        _send(self._socket, data)

    def close(self) -> None:
        """Let go of the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def is_there(self) -> bool:
        """Whether a log service can be reached now."""
        try:
            self._connected().close()
        except OSError:
            return False
        return True

    def _connected(self) -> socket.socket:
        family: int = getattr(socket, "AF_UNIX", -1)
        for address in self._addresses if family >= 0 else ():
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                attempt = socket.socket(family, kind)
                attempt.settimeout(_TIMEOUT_S)
                try:
                    attempt.connect(address)
                except OSError:
                    attempt.close()
                else:
                    return attempt
        raise NoSyslogError("this machine has no log service at " + " or ".join(self._addresses))


def _send(connection: socket.socket, data: bytes) -> None:
    if connection.type == socket.SOCK_STREAM:
        connection.sendall(data + b"\n")  # a datagram ends by itself
    else:
        connection.send(data)


def line_for(alert: Alert, decision: Decision) -> bytes:
    """``<10>omnitray[7]: SERVER_DOWN firing: shop is down (server:shop, 3 times): message``."""
    priority = _FACILITY_USER * 8 + _LEVELS[alert.severity]
    times = f", {alert.count} times" if alert.count > 1 else ""
    message = f": {alert.message}" if alert.message else ""
    text = (
        f"{alert.type} {alert.state} ({decision.reason}): {alert.title} "
        f"({alert.source}{times}, {alert.id}){message}"
    )
    printable = "".join(each if each.isprintable() else " " for each in text)
    data = f"<{priority}>omnitray[{os.getpid()}]: {printable}".encode("utf-8", "replace")
    # Cut at a character, not within one.
    return data[:_LIMIT_BYTES].decode("utf-8", "ignore").encode()
