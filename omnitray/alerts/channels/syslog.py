"""The SYSLOG channel: one line an alert to the machine's own log, where there is one.

The standard library's handler speaks to the socket, finds out its kind and connects again after the
service was restarted. It swallows its failures; here they are raised, for the dispatcher counts
them.
"""

import contextlib
import logging
import os
import socket
import sys
from collections.abc import Sequence
from logging.handlers import SysLogHandler

from omnitray.alerts.channels.base import ChannelParts
from omnitray.alerts.decision import Decision
from omnitray.alerts.model import Alert
from omnitray.base.facts import Severity

LOCAL_SOCKETS = ("/dev/log", "/var/run/syslog")
_LEVEL_NAMES = {Severity.INFO: "INFO", Severity.WARNING: "WARNING", Severity.CRITICAL: "CRITICAL"}
_LIMIT_BYTES = 1024 - len("<13>")  # RFC 3164, 4.1: with the priority that the handler puts before
_Socket = socket.socket
_TIMEOUT_S = 2.0  # for a service that does not read; the channel has a thread of its own


class NoSyslogError(OSError):
    """There is no log service to send to."""


class RaisingSysLogHandler(SysLogHandler):
    """Raises what goes wrong, and does not wait for ever; a datagram ends without a NUL."""

    socket: _Socket  # the library sets it and does not declare it
    append_nul = False

    def createSocket(self) -> None:  # noqa: N802 - the name in the standard library
        """Connect, with a deadline for what follows; raises OSError."""
        super().createSocket()
        if self.socket.fileno() < 0:  # the library leaves it closed where nothing listens
            raise NoSyslogError(f"nothing listens at {self.address}")
        self.socket.settimeout(_TIMEOUT_S)

    def format(self, record: logging.LogRecord) -> str:
        """The line; in a stream it needs its end."""
        line = super().format(record)
        return f"{line}\n" if self.socktype == socket.SOCK_STREAM else line

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - as above
        """Raise what the library has just caught."""
        del record
        raise sys.exception() or NoSyslogError("the log service failed")


class SyslogChannel:
    """Sends to the first socket of ``addresses`` that answers; connects when first needed."""

    def __init__(self, addresses: Sequence[str] = LOCAL_SOCKETS) -> None:
        self._addresses = tuple(addresses)
        self._handler: RaisingSysLogHandler | None = None

    def send(self, alert: Alert, decision: Decision) -> bool:
        """Send one line; raises OSError when it cannot be done, also after connecting again."""
        line = line_for(alert, decision)
        level = _LEVEL_NAMES[alert.severity]
        record = logging.makeLogRecord({"levelname": level, "msg": line})
        if self._handler is not None:
            try:
                self._handler.emit(record)
            except OSError:
                self.close()  # the service is another one now, perhaps at another address
            else:
                return True
        self._handler = self._connected()
        self._handler.emit(record)
        return True

    def close(self) -> None:
        """Close the socket."""
        if self._handler is not None:
            self._handler.close()
            self._handler = None

    def is_there(self) -> bool:
        """Whether a log service can be reached now."""
        try:
            self._connected().close()
        except OSError:
            return False
        return True

    def _connected(self) -> RaisingSysLogHandler:
        for address in self._addresses if hasattr(socket, "AF_UNIX") else ():
            with contextlib.suppress(OSError):
                return RaisingSysLogHandler(address)
        raise NoSyslogError("this machine has no log service at " + " or ".join(self._addresses))


def open_channel(_parts: ChannelParts) -> SyslogChannel | None:
    """None where no log service answers."""
    channel = SyslogChannel()
    return channel if channel.is_there() else None


def line_for(alert: Alert, decision: Decision) -> str:
    """``omnitray[7]: SERVER_DOWN firing: shop is down (server:shop, 3 times): message``."""
    times = f", {alert.count} times" if alert.count > 1 else ""
    message = f": {alert.message}" if alert.message else ""
    text = (
        f"{alert.type} {alert.state} ({decision.reason}): {alert.title} "
        f"({alert.source}{times}, {alert.id}){message}"
    )
    printable = "".join(each if each.isprintable() else " " for each in text)
    data = f"omnitray[{os.getpid()}]: {printable}".encode("utf-8", "replace")
    # Cut at a character, not within one.
    return data[:_LIMIT_BYTES].decode("utf-8", "ignore")
