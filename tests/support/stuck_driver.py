"""The program with one of its loops stuck: ``python stuck_driver.py PLACE LIMIT_S [busy]``.

``PLACE`` is ``module:Class.method``, or ``exit`` for a thread that Python waits for at its end.
Prints ``stuck`` when it is there. Headless, with the folders that the environment names.
"""

import functools
import importlib
import sys
import threading
import time
from typing import Any

from PySide6.QtCore import QTimer

from omnitray import app
from omnitray.runtime.shutdown import Deadline
from support.alerting import an_alert


def stuck(*_args: Any) -> None:
    print("stuck", flush=True)  # noqa: T201 - whoever started us waits for it
    while True:
        if sys.argv[3:] != ["busy"]:
            time.sleep(60)


def main() -> int:
    place, limit_s = sys.argv[1], float(sys.argv[2])
    vars(app)["Deadline"] = functools.partial(Deadline, limit_s=limit_s)
    if place != "exit":
        module, _, name = place.partition(":")
        holder, _, method = name.partition(".")
        setattr(getattr(importlib.import_module(module), holder), method, stuck)
    start = app.App.start

    def start_and_give_work(program: app.App) -> None:
        start(program)
        QTimer.singleShot(0, program, lambda: program.store.put(an_alert(1)))
        if place == "exit":
            threading.Thread(target=stuck).start()

    setattr(app.App, "start", start_and_give_work)  # noqa: B010 - mypy refuses the plain way
    return app.main(headless=True, verbose=False)


if __name__ == "__main__":
    sys.exit(main())
