"""The bottom line: what OmniTray itself costs, how often it looks, how to move about."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QWidget

from omnitray.api.status import Status
from omnitray.ui import formats
from omnitray.ui.widgets.labels import ElidedLabel, label


class Footer(QWidget):
    """Two quiet texts."""

    def __init__(self, pages: int) -> None:
        super().__init__()
        self.words = ElidedLabel(scale=0.92, muted=True)
        keys = label(f"Ctrl+1…{pages} pages · Ctrl+F search · F5 reload", scale=0.92, muted=True)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.words, 1)
        row.addWidget(keys, 0, Qt.AlignmentFlag.AlignRight)

    def show_status(self, status: Status) -> None:
        """Say cost and rhythm."""
        parts = []
        if status.own is not None:
            cost = f"{formats.percent(status.own.cpu_percent, 2)} of one core"
            parts.append(f"OmniTray itself: {cost} · {formats.size(status.own.rss_bytes)}")
        parts.append(f"looking every {status.interval_s:g} s")
        if status.snapshot is not None and status.snapshot.processes is not None:
            parts.append(formats.count(status.snapshot.processes, "process"))
        self.words.setText(" · ".join(parts))
