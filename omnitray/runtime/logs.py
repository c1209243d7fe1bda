"""The log: one rotating, readable file in the state folder, and what goes into it.

Everything that would otherwise be lost goes there: Python's warnings, uncaught exceptions of any
thread (reported once each, they do not end the program), Qt's own messages.
"""

import contextlib
import io
import logging
import logging.handlers
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

from omnitray.base.durable import StorageError, make_folder, open_owned
from omnitray.base.process_environment import lacks_descriptors

log = logging.getLogger(__name__)
_qt_log = logging.getLogger("qt")

_FORMAT = "%(asctime)s %(levelname)-7s %(threadName)s %(name)s: %(message)s"
_SENTENCE = "OmniTray: %(message)s"  # for who reads a terminal; the file has the rest
_BYTES = 1_000_000
_KEPT = 3
_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


def start(file: Path | None, *, verbose: bool) -> None:
    """Log to ``file`` (mode 0600) and to stderr; a file that cannot be opened is said there."""
    root = logging.getLogger()
    root.setLevel(logging.DEBUG if verbose else logging.INFO)
    formatter = logging.Formatter(_FORMAT)
    console = logging.StreamHandler()
    console.setLevel(logging.DEBUG if verbose else logging.WARNING)
    console.setFormatter(formatter if verbose else logging.Formatter(_SENTENCE))
    if not verbose:
        console.addFilter(_is_for_a_person)
    console.addFilter(_has_a_cause_of_its_own)
    root.addHandler(console)
    for name in ("asyncio", "uvicorn", "websockets"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    if file is None:
        return
    try:
        root.addHandler(_file_handler(file, formatter))
    except (OSError, StorageError) as error:
        log.warning("no log file: %s", error)


def open_log(file: Path) -> io.BufferedWriter:
    """The log's file, to write to its end; raises OSError."""
    return os.fdopen(open_owned(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT), "ab")


def _is_for_a_person(record: logging.LogRecord) -> bool:
    """What Qt warns of (a portal that is not there, a font) says nothing to who reads a terminal.

    The log has it.
    """
    return record.name != "qt" or record.levelno > logging.WARNING


def _has_a_cause_of_its_own(record: logging.LogRecord) -> bool:
    """What failed for want of file descriptors is left out: many parts meet that at once.

    The protector says it in one line for all of them.
    """
    return record.exc_info is None or not lacks_descriptors(record.exc_info[1])


class _RotatingFile(logging.handlers.RotatingFileHandler):
    """A log that is opened without waiting, and only where a regular file is or can be."""

    _refused = False

    def _open(self) -> io.TextIOWrapper:
        raw = open_log(Path(self.baseFilename))
        return io.TextIOWrapper(raw, encoding=self.encoding, errors=self.errors)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - of the base class
        """Say once that the disk refuses; anything else is a fault of ours."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self._refused and sys.stderr is not None:
            self._refused = True
            with contextlib.suppress(OSError, ValueError):
                print(f"OmniTray: the log cannot be written: {error}", file=sys.stderr)  # noqa: T201


def _file_handler(file: Path, formatter: logging.Formatter) -> logging.Handler:
    make_folder(file.parent)
    handler = _RotatingFile(
        file, maxBytes=_BYTES, backupCount=_KEPT, encoding="utf-8", errors="backslashreplace"
    )
    handler.setFormatter(formatter)
    handler.addFilter(_has_a_cause_of_its_own)
    return handler


class Uncaught:
    """Takes over the hooks for uncaught exceptions.

    ``tell`` is called once for each place that raised, with a sentence for the person; it may be
    called on any thread.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._told: set[tuple[str, int]] = set()

    def install(self) -> None:
        """Install the hooks."""
        sys.excepthook = self._on_exception
        threading.excepthook = self._on_thread_exception

    def _on_thread_exception(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            self._on_exception(args.exc_type, args.exc_value, args.exc_traceback)

    def _on_exception(
        self,
        kind: type[BaseException],
        error: BaseException,
        traceback: TracebackType | None,
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, traceback)
            return
        log.critical("uncaught exception", exc_info=(kind, error, traceback))
        place = _last_place(traceback)
        if place not in self._told:
            self._told.add(place)
            self._tell(f"OmniTray met an error of its own ({kind.__name__}); the log has it")


def _last_place(traceback: TracebackType | None) -> tuple[str, int]:
    place = ("", 0)
    while traceback is not None:
        place = (traceback.tb_frame.f_code.co_filename, traceback.tb_lineno)
        traceback = traceback.tb_next
    return place


def take_qt_messages() -> None:
    """Route Qt's messages into the log."""
    qInstallMessageHandler(_on_message)


def _on_message(kind: QtMsgType, _: QMessageLogContext, text: str | None) -> None:
    _qt_log.log(_LEVELS.get(kind, logging.WARNING), "%s", text)
