"""Callbacks of those who want to know: plain functions and coroutine functions.

A coroutine function is scheduled on the loop that ran when it was added, from whatever thread the
news comes. A callback that raises is logged and never stops the others or the caller.
"""

import logging
from collections.abc import Awaitable, Callable, Collection
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    import asyncio

log = logging.getLogger(__name__)
T = TypeVar("T")
Callback = Callable[[T], None] | Callable[[T], Awaitable[None]]


class Subscribers(Generic[T]):
    """An ordered set of callbacks."""

    def __init__(self) -> None:
        self._callbacks: list[tuple[Callback[T], asyncio.AbstractEventLoop | None]] = []

    def add(self, callback: Callback[T]) -> Callable[[], None]:
        """Add a callback; what comes back takes it away again.

        Raises:
            RuntimeError: a coroutine function was added where no event loop is running.
        """
        import inspect  # noqa: PLC0415 - 15 ms that a sub-command, which adds none, does not need

        loop = _running_loop() if inspect.iscoroutinefunction(callback) else None
        entry = (callback, loop)
        self._callbacks.append(entry)

        def remove() -> None:
            if entry in self._callbacks:
                self._callbacks.remove(entry)

        return remove

    def notify(self, news: T) -> None:
        """Call all in the order in which they subscribed."""
        for callback, loop in tuple(self._callbacks):
            try:
                if loop is None:
                    callback(news)
                else:
                    loop.call_soon_threadsafe(_start, loop, callback, news)
            except Exception:
                log.exception("callback %r failed", callback)


def _running_loop() -> "asyncio.AbstractEventLoop":
    import asyncio  # noqa: PLC0415 - 4 MB that plain functions do not need

    return asyncio.get_running_loop()


def _start(loop: "asyncio.AbstractEventLoop", callback: Callback[T], news: T) -> None:
    awaitable = callback(news)
    if awaitable is not None:
        task = loop.create_task(_guard(awaitable, callback))
        task.add_done_callback(lambda done: done.exception() if not done.cancelled() else None)


async def _guard(awaitable: Awaitable[None], callback: Callback[T]) -> None:
    try:
        await awaitable
    except Exception:
        log.exception("callback %r failed", callback)


_EACH = 5
_MOST_SAID = 10_000


class OneShotReporter:
    """Passes each sentence on once, until it is reset."""

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
        if len(self._said) > _MOST_SAID:  # rather said twice than kept for good
            self._said = {topic for topic in self._said if " " not in topic}
        self._said.update(f"{what} {name}" for name, _ in fresh)
        for name, reason in fresh[:_EACH]:
            self._report(f"{what}: {name}: {reason}")
        if (more := len(fresh) - _EACH) > 0:
            self._report(f"{what}: and {more} more")
