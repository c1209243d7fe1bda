"""A level or a mode on loan: taken, and put back however the block ends."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from omnitray.client.backends import Release


class Borrowed:
    """A level or a mode on loan, for ``with`` and ``async with``."""

    def __init__(self, take: Callable[[], Release]) -> None:
        self._take = take
        self._release: Release | None = None

    def take(self) -> None:
        """Start; a second time changes nothing."""
        self._release = self._release or self._take()

    def give_back(self) -> None:
        """End; may be called twice."""
        release, self._release = self._release, None
        if release is not None:
            release()

    def __enter__(self) -> Self:
        self.take()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.give_back()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.take)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.give_back)
