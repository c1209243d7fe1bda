"""Who listens to the local API, and what has reached them.

A client says its name when it connects (``/ws?client=vscode``). The local API reports here from
its own thread; channels subscribe to what was taken.
"""

import threading
from collections import Counter
from collections.abc import Callable

Taken = Callable[[str, str], None]  # alert id, name of the client


class Listeners:
    """Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: Counter[str] = Counter()
        self._subscribers: list[Taken] = []

    def join(self, name: str) -> None:
        """A client of this name is there, empty for one that does not say its name."""
        with self._lock:
            self._names[name] += 1

    def leave(self, name: str) -> None:
        """It is gone."""
        with self._lock:
            self._names[name] -= 1
            if self._names[name] <= 0:
                del self._names[name]

    def count(self, name: str = "") -> int:
        """How many clients of a name listen now; of any name where none is given."""
        with self._lock:
            return self._names[name] if name else sum(self._names.values())

    def took(self, alert_id: str, client: str) -> None:
        """An alert was written to a client's connection."""
        for subscriber in tuple(self._subscribers):
            subscriber(alert_id, client)

    def on_taken(self, subscriber: Taken) -> None:
        """Call this for each alert that a client took, on the API's thread."""
        self._subscribers.append(subscriber)
