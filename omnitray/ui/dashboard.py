"""Opens the dashboard in the browser, as ``omnitray dashboard`` does.

The command is asked for the address in a process of its own: the API may have to start its server
first, which takes longer than a menu may stand still.
"""

import sys

from PySide6.QtCore import QObject, QProcess, Signal, Slot

NO_ANSWER = "The dashboard could not be opened: the local API did not answer."


class DashboardAsker(QObject):
    """Asks for one address at a time.

    Signals:
        found(str): an address that lets a browser in once.
        failed(str): a sentence that says why there is none.
    """

    found = Signal(str)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None
        self.command: tuple[str, ...] = (sys.executable, "-m", "omnitray", "dashboard", "--print")

    @Slot()
    def ask(self) -> None:
        """Ask; while an answer is awaited nothing more is asked."""
        if self._process is not None:
            return
        self._process = QProcess(self)
        self._process.finished.connect(self._on_finished)
        self._process.errorOccurred.connect(self._on_error)
        self._process.start(self.command[0], list(self.command[1:]))

    def stop(self) -> None:
        """Ask no longer. Idempotent."""
        if self._process is not None:
            process, self._process = self._process, None
            process.blockSignals(True)
            process.kill()
            process.waitForFinished(1000)
            process.deleteLater()

    @Slot()
    def _on_finished(self) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        address = bytes(process.readAllStandardOutput().data()).decode(errors="replace").strip()
        said = bytes(process.readAllStandardError().data()).decode(errors="replace").strip()
        process.deleteLater()
        if address.startswith("http"):
            self.found.emit(address)
        else:
            self.failed.emit(said.removeprefix("omnitray:").strip() or NO_ANSWER)

    @Slot(QProcess.ProcessError)
    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart and self._process is not None:
            self._process.deleteLater()
            self._process = None
            self.failed.emit(NO_ANSWER)
