"""An instance that hangs: its kernel takes connections and requests, and nobody answers them."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from omnitray.base.clock import SystemClock, timestamp
from omnitray.client import http as remote
from omnitray.client.discovery import Address, remove_address, write_address

PATIENCE_S = 0.2


@contextmanager
def hanging(api_file: Path) -> Iterator[None]:
    """``api_file`` leads to it; whoever asks waits no longer than :data:`PATIENCE_S`."""
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.MonkeyPatch.context() as patch:
        patch.setattr(remote, "TIMEOUT_S", PATIENCE_S)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        started = timestamp(SystemClock().wall())
        write_address(api_file, Address(url=url, token=url, pid=os.getpid(), started=started))
        yield
        remove_address(api_file, os.getpid())
