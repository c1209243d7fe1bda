"""Qt for Python must not lose references to True and None.

PySide6 6.12.0 on Python < 3.12 drops one to ``True`` with every ``emit`` and one to ``None`` with
every void call, until the process aborts. Run in a process of its own, since a faulty release
would take the test run with it.
"""

import subprocess
import sys

PROBE = """
import sys
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QApplication, QLabel, QWidget

class Sender(QObject):
    said = Signal(bool)

class Painted(QWidget):
    def paintEvent(self, event):
        painter = QPainter(self)
        painter.drawLine(0, 0, 10, 10)
        painter.end()

app = QApplication([])
sender, widget, label = Sender(), Painted(), QLabel()
sender.said.connect(label.setEnabled)
widget.show()
before = sys.getrefcount(True), sys.getrefcount(None)
for number in range(int(sys.argv[1])):
    sender.said.emit(True)
    label.setText(str(number))
    widget.repaint()
after = sys.getrefcount(True), sys.getrefcount(None)
print(after[0] - before[0], after[1] - before[1])
"""
TIMES = 5000


def test_thousands_of_emits_and_repaints_cost_no_reference() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(TIMES)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lost_true, lost_none = (int(each) for each in done.stdout.split())
    assert abs(lost_true) < TIMES / 10
    assert abs(lost_none) < TIMES / 10
