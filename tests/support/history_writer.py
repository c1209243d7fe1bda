"""Stores alerts in a folder until it is killed; prints each id once it is stored.

``python history_writer.py FOLDER FIRST_NUMBER LIVE [BATCH]``
"""

import sys
from pathlib import Path

from omnitray.alerts.storage.history import History
from support.alerting import an_alert
from support.clock import FakeClock

if __name__ == "__main__":
    folder, number, live = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    batch = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    history = History(folder, FakeClock(), live)
    print("ready", flush=True)  # noqa: T201 - the parent reads it
    while True:
        alerts = [an_alert(number + i, at=1.8e9 + number + i) for i in range(batch)]
        number += batch
        if batch == 1:
            history.store(alerts[0])
            # A second version of it, as an incident that is raised again.
            history.store(an_alert(number - 1, at=1.8e9 + number - 1, count=2))
        else:
            history.store_many(alerts)
        history.settle() if number % 3 == 0 else None
        print(*(alert.id for alert in alerts), flush=True)  # noqa: T201 - likewise
