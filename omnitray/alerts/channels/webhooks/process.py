"""Runs the process that sends: calls in, an answer each, nothing that can hang for ever."""

import contextlib
import io
import json
import selectors
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, cast

import msgspec

from omnitray.alerts.channels.webhooks.model import HttpCall, ReceiverAnswer

POST = Path(__file__).with_name("post.py")
# A mail has up to six exchanges of 10 s each (post.py); a request has 15 s.
ANSWER_S = 65.0


class Sender(Protocol):
    """Sends calls in their order and stops after the first that does not arrive."""

    def send(self, calls: Sequence[HttpCall]) -> Iterator[ReceiverAnswer]:
        """An answer a call, as they come; fewer where one did not arrive."""
        ...

    def stop(self) -> None:
        """End what is under way; from any thread."""
        ...


class ProcessSender:
    """See the module; one process a batch, which lasts as long as its requests."""

    def __init__(self, answer_s: float = ANSWER_S) -> None:
        self._answer_s = answer_s
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def send(self, calls: Sequence[HttpCall]) -> Iterator[ReceiverAnswer]:
        """See :class:`Sender`."""
        try:
            process = self._start()
        except OSError:  # memory or processes have run out, which is when alerts count
            yield ReceiverAnswer(error="no_process")
            return
        if process is None:
            yield ReceiverAnswer(error="ended")
            return
        try:
            for call in calls:
                answer = self._ask(process, call)
                yield answer
                if answer.status is None or answer.status not in range(200, 300):
                    return
        finally:
            with self._lock:
                self._process = None
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()

    def stop(self) -> None:
        """See :class:`Sender`."""
        with self._lock:
            self._stopped = True
            if self._process is not None:
                self._process.kill()

    def _start(self) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._stopped:
                return None
            self._process = subprocess.Popen(
                [sys.executable, "-I", str(POST)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            return self._process

    def _ask(self, process: subprocess.Popen[bytes], call: HttpCall) -> ReceiverAnswer:
        source = cast("io.BufferedWriter", process.stdin)
        output = cast("io.BufferedReader", process.stdout)
        try:
            source.write(msgspec.json.encode(call) + b"\n")
            source.flush()
        except OSError:
            return ReceiverAnswer(error="ended")
        buffer = b""
        with selectors.DefaultSelector() as selector:
            selector.register(output.fileno(), selectors.EVENT_READ)
            while not buffer.endswith(b"\n"):
                if not selector.select(self._answer_s):
                    return ReceiverAnswer(error="timeout")
                chunk = output.read1(65536)
                if not chunk:
                    return ReceiverAnswer(error="ended")
                buffer += chunk
        return _answer(buffer)


def _answer(line: bytes) -> ReceiverAnswer:
    try:
        found: dict[str, Any] = json.loads(line)
    except ValueError:
        return ReceiverAnswer(error="ended")
    return ReceiverAnswer(
        status=found.get("status"),
        error=str(found.get("error", "")),
        body=str(found.get("body", "")),
        retry_after=str(found.get("retry_after", "")),
        took_s=float(found.get("took_s", 0.0)),
    )
