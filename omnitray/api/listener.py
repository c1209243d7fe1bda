"""The listening socket of the local API: on the port asked for, else on a free one."""

import os
import socket
from pathlib import Path

import msgspec

from omnitray.base.bounded import read_bounded
from omnitray.settings.model import ApiSettings

NEXT_PORTS = 20
MAX_PEM_BYTES = 1 << 20  # a chain of ten certificates has 20 kB, all that a system trusts 250 kB
BACKLOG = 128


class Opened(msgspec.Struct, frozen=True):
    """A listening socket and the address it goes by."""

    socket: socket.socket
    host: str
    port: int
    url: str


def open_listener(settings: ApiSettings) -> Opened:
    """A listening socket on the port, or on a free one near it, or on any."""
    if settings.open_to_others and not (settings.certificate and settings.key):
        raise OSError(f"{settings.listen} is open to other machines and there is no certificate")
    if settings.open_to_others:
        for file in (settings.certificate, settings.key):
            read_bounded(Path(file), MAX_PEM_BYTES)  # the library would wait for a FIFO for ever
    last = min(settings.port + NEXT_PORTS, 65535)
    wanted = (*range(settings.port, last + 1), 0) if settings.port else (0,)
    for port in wanted:
        try:
            listener = _listen(settings.listen, port)
        except OSError:
            if port == wanted[-1]:
                raise
            continue
        return _opened(listener, settings)
    raise OSError("no port is free")


def _listen(host: str, port: int) -> socket.socket:
    # As bytes where that says it all: for text Python loads its tables of international names.
    name = host.encode() if host.isascii() else host
    family, kind, protocol, _, place = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        if hasattr(os, "getuid"):  # elsewhere it would let two programs share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _opened(listener: socket.socket, settings: ApiSettings) -> Opened:
    port = int(listener.getsockname()[1])
    host = f"[{settings.listen}]" if ":" in settings.listen else settings.listen
    scheme = "https" if settings.open_to_others else "http"
    return Opened(listener, host, port, f"{scheme}://{host}:{port}")
