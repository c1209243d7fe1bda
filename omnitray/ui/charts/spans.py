"""Since when and until when jobs were held, as the charts shade it. No widgets."""

from collections.abc import Iterable

import msgspec

from omnitray.protector.view import HeldAction, HoldKind

_MOST = 100  # more than an hour of charts can show apart
SHADED = (HoldKind.SLOWED, HoldKind.PAUSED)


class HeldSpan(msgspec.Struct, frozen=True, kw_only=True):
    """A job that is or was held; wall clock, ``until_at`` None while it is."""

    action_id: str
    title: str
    grip: HoldKind
    since_at: float
    until_at: float | None = None


class HeldSpans:
    """Follows what is held: what is held no longer has ended when that was first seen."""

    def __init__(self) -> None:
        self._open: dict[str, HeldSpan] = {}
        self._over: list[HeldSpan] = []

    def follow(self, held: Iterable[HeldAction], now_at: float) -> bool:
        """What is held now; whether the spans are others than before."""
        there = {each.action_id: each for each in held if each.grip in SHADED}
        gone = self._open.keys() - there.keys()
        new = [key for key in there if key not in self._open]
        for key in gone:
            span = self._open.pop(key)
            self._over.append(msgspec.structs.replace(span, until_at=now_at))
        del self._over[:-_MOST]
        for key in new:
            each = there[key]
            self._open[key] = HeldSpan(
                action_id=key, title=each.title, grip=each.grip, since_at=each.since
            )
        return bool(gone or new)

    @property
    def spans(self) -> tuple[HeldSpan, ...]:
        """The oldest first, those that go on last."""
        return (*self._over, *self._open.values())
