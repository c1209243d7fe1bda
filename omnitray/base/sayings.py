"""Things that are said once: again only after they have been otherwise, and never in masses."""

from collections.abc import Callable, Collection

_EACH = 5


class Sayings:
    """Passes sentences on to whoever listens, unless they were said already."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._said: set[str] = set()

    def say(self, topic: str, sentence: str) -> None:
        """Say it unless the topic stands."""
        if topic not in self._said:
            self._said.add(topic)
            self._report(sentence)

    def over(self, topic: str, sentence: str) -> None:
        """The topic is over: say so if it was said that it stands."""
        if topic in self._said:
            self._said.discard(topic)
            self._report(sentence)

    def say_each(self, what: str, cases: Collection[tuple[str, str]]) -> None:
        """``what`` about each of some files (name, reason); after a few only their number."""
        fresh = [case for case in cases if f"{what} {case[0]}" not in self._said]
        self._said.update(f"{what} {name}" for name, _ in fresh)
        for name, reason in fresh[:_EACH]:
            self._report(f"{what}: {name}: {reason}")
        if (more := len(fresh) - _EACH) > 0:
            self._report(f"{what}: and {more} more")
