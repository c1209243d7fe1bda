"""How a server stands after a restart of OmniTray, so that its state agrees with its alert. Pure.

A process of before that is found again is probed; until then the server stands as it did. One
without a process goes on with what was under way (a restart, waiting for its port), and what was
left as it was (a crash loop, a program that cannot be started) is left so. After a restart of the
machine nothing is under way any more: only ``autostart`` starts a server then.
"""

import msgspec

from omnitray.servers.model import ENDED_BY_ITSELF, TROUBLED, Remembered, ServerState

MACHINE_RESTARTED = "it was down when the machine was restarted"
FOUND = "it was running before OmniTray was"
_KNOWN = frozenset({ServerState.SLOW, ServerState.DOWN, ServerState.FOREIGN})
_UNDER_WAY = frozenset({ServerState.STARTING, ServerState.RESTARTING, ServerState.FOREIGN})
_SEEN = frozenset({ServerState.UP, ServerState.DOWN})


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How it stands; ``since_at`` 0: from now on. ``starts``: it is started at once."""

    state: ServerState = ServerState.STOPPED
    detail: str = ""
    since_at: float = 0.0
    wanted: bool = False
    starts: bool = False
    cannot_start: bool = False


def found(before: Remembered) -> Standing:
    """Its process lives."""
    if before.state in _KNOWN:
        return _as(before, wanted=True)
    return Standing(state=ServerState.STARTING, detail=FOUND, wanted=True)


def without_process(
    before: Remembered, *, wanted: bool, watch_only: bool, same_boot: bool
) -> Standing:
    """It has no process from before."""
    if watch_only:
        return _as(before) if before.state in _SEEN else Standing()
    if not wanted:
        return _as(before) if before.detail == ENDED_BY_ITSELF else Standing()
    if before.state in _UNDER_WAY and same_boot:
        return _as(before, wanted=True, starts=True)
    if before.state in _UNDER_WAY & TROUBLED:
        return Standing(state=ServerState.DOWN, detail=MACHINE_RESTARTED, wanted=True)
    return _as(before, wanted=True) if before.state in TROUBLED else Standing()


def _as(before: Remembered, *, wanted: bool = False, starts: bool = False) -> Standing:
    return Standing(
        state=before.state,
        detail=before.detail,
        since_at=before.since_at,
        wanted=wanted,
        starts=starts,
        cannot_start=before.cannot_start,
    )
