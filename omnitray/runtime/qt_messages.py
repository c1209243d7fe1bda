"""Qt's own messages, routed into the log."""

import logging

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

log = logging.getLogger("qt")

_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


def install() -> None:
    """Send what Qt says to the log from now on."""
    qInstallMessageHandler(_on_message)


def _on_message(kind: QtMsgType, _: QMessageLogContext, text: str | None) -> None:
    log.log(_LEVELS.get(kind, logging.WARNING), "%s", text)
