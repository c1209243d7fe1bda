"""What is to be looked at again, and when: a heap in which a key's latest appointment counts."""

import heapq


class Agenda:
    """At most one appointment a key; times are monotonic seconds."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, str]] = []
        self._due: dict[str, float] = {}

    def put(self, key: str, due_m: float) -> None:
        """Make or move the appointment of ``key``."""
        if self._due.get(key) != due_m:
            self._due[key] = due_m
            heapq.heappush(self._heap, (due_m, key))
        if len(self._heap) > 64 + 4 * len(self._due):
            self._heap = [(due, each) for each, due in self._due.items()]
            heapq.heapify(self._heap)

    def drop(self, key: str) -> None:
        """Cancel the appointment of ``key``, if there is one."""
        self._due.pop(key, None)

    def take(self, now_m: float) -> list[str]:
        """The keys that are due, earliest first; their appointments are gone then."""
        taken = []
        while (next_m := self.next_m) is not None and next_m <= now_m:
            _, key = heapq.heappop(self._heap)
            del self._due[key]
            taken.append(key)
        return taken

    @property
    def next_m(self) -> float | None:
        """The earliest appointment."""
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)  # moved or cancelled since
        return self._heap[0][0] if self._heap else None
