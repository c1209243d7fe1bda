"""Runs one sub-command: what it is given, and one line and an exit code for what can go wrong."""

import argparse
import contextlib
import datetime as dt
import io
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from omnitray.base.durable import StorageError
from omnitray.base.paths import Paths, find_paths, typed
from omnitray.cli.terminal import OutputLost, Terminal
from omnitray.cli.times import local_now
from omnitray.client.http import (
    NotAnswering,
    NotRunning,
    Remote,
    RequestFailed,
    decoded,
    find_remote,
)

FAILED, USAGE = 1, 2
NAMING = ("id", "job")  # words that a path or a body is made of: empty ones name nothing
T = TypeVar("T")


class CommandFailed(Exception):  # noqa: N818 - an answer, not a fault
    """A command that cannot be carried out; ``error`` is the short code of ``--json``."""

    def __init__(self, error: str, detail: str) -> None:
        super().__init__(detail)
        self.error = error


class Stopped(Exception):  # noqa: N818 - a state of the world, not a fault
    """The instance that was followed has ended."""

    def __init__(self) -> None:
        super().__init__("OmniTray has stopped")


class CommandContext:
    """One run of the command line."""

    def __init__(self, paths: Paths, terminal: Terminal, now: dt.datetime) -> None:
        self.paths = paths
        self.terminal = terminal
        self.now = now

    def remote(self) -> Remote:
        """The running instance; raises :class:`~omnitray.client.http.NotRunning`."""
        return find_remote(self.paths)

    def get(self, path: str, shape: type[T], *, as_json: bool, **query: Any) -> T | None:
        """Ask; with ``as_json`` print the answer as it is, and None."""
        return self._answered(self.remote().raw("GET", path, query=query), shape, as_json)

    def post(
        self,
        path: str,
        body: object,
        shape: type[T],
        *,
        as_json: bool,
        timeout_s: float | None = None,
    ) -> T | None:
        """Change something; with ``as_json`` print the answer as it is, and None."""
        return self._answered(self._posted(path, body, timeout_s), shape, as_json)

    def changed(
        self, path: str, body: object, shape: type[T], *, timeout_s: float | None = None
    ) -> T:
        """Change something; the answer, for a command whose exit status depends on it."""
        return decoded(self._posted(path, body, timeout_s), shape)

    def _posted(self, path: str, body: object, timeout_s: float | None) -> bytes:
        remote = self.remote()
        remote.timeout_s = timeout_s or remote.timeout_s
        return remote.raw("POST", path, body)

    def _answered(self, answer: bytes, shape: type[T], as_json: bool) -> T | None:  # noqa: FBT001
        if as_json:
            self.terminal.json(answer)
            return None
        return decoded(answer, shape)


def dispatch(run: Callable[..., int], args: argparse.Namespace) -> int:
    """Run a sub-command and return its exit code."""
    _write_what_can_be_written()
    context = CommandContext(find_paths(), Terminal(), local_now())
    try:
        _refuse_bad_words(args)
        return run(args, context)
    except NotRunning as error:
        return _say(context, args, *_not_reached(context, error))
    except RequestFailed as error:
        return _say(context, args, error.error, error.detail)
    except CommandFailed as error:
        return _say(context, args, error.error, f"{error}")
    except Stopped as error:
        return _say(context, args, "stopped", f"{error}")
    except ValueError as error:
        return _say(context, args, "usage", f"{error}", USAGE)
    except BrokenPipeError:
        raise  # see cli.terminal.with_streams
    except (OSError, StorageError) as error:
        return _say(context, args, "failed", _sentence(error))
    except KeyboardInterrupt:
        return 0


def _say(
    context: CommandContext, args: argparse.Namespace, code: str, detail: str, status: int = FAILED
) -> int:
    with contextlib.suppress(BrokenPipeError, OutputLost):  # the status says that it failed
        if getattr(args, "json", False):
            context.terminal.json(msgspec.json.encode({"error": code, "detail": detail}))
        else:
            context.terminal.problem(detail)
    return status


def _sentence(error: OSError | StorageError) -> str:
    """Of the system's errors their words and the file, without a number in brackets."""
    if not isinstance(error, OSError) or error.errno is None:
        return f"{error}"
    file = f"{error.filename}: " if error.filename else ""
    return f"{file}{error.strerror}"


def _refuse_bad_words(args: argparse.Namespace) -> None:
    for name, value in vars(args).items():
        if value == "" and name in NAMING:
            raise ValueError(f"the {name} is empty")
        if isinstance(value, str) and any("\ud800" <= mark <= "\udfff" for mark in value):
            raise ValueError(f"the {name} has bytes that are not UTF-8 text")


def _not_reached(context: CommandContext, error: NotRunning) -> tuple[str, str]:
    """Code and sentence: it may run and hang, or have its API switched off."""
    from omnitray.settings.file import load  # noqa: PLC0415 - only without an answer

    if isinstance(error, NotAnswering):
        return "no_answer", f"{error}"
    if load(context.paths.config_file).settings.api.enabled:
        return "not_running", f"{error}"
    switch_on = typed("settings", "api.enabled", "true")
    return "not_running", f"the local API is switched off; switch it on with: {switch_on}"


def _write_what_can_be_written() -> None:
    """An old locale must not turn an interpunct into a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            with contextlib.suppress(ValueError):
                stream.reconfigure(errors="replace")
