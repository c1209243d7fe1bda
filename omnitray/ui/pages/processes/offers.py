"""Which buttons make sense for the chosen job, and for the others why not. Pure."""

from omnitray.base.facts import Job, ProtectState
from omnitray.protector.view import Grip, Protected
from omnitray.ui.pages.processes.text import Grips

NONE_CHOSEN = "Choose a job in the list first."
SWITCHED_OFF = "Protection is off. It is switched on the Protection page."
_HELD = {
    Grip.SLOWED: "It is slowed down already.",
    Grip.PAUSED: "It is paused, which is more than slowed down.",
    Grip.ENDING: "It is about to end.",
    Grip.WOULD: "Only watching: it is noted already what would have been done.",
}
_DOES = {
    "slow_down": "Let everything else go first; it costs the job nothing while nobody waits.",
    "pause": "Stop it where it is, until Resume.",
    "resume": "Give back what was taken: it runs as before.",
    "end": "Ask it to stop, after one more question.",
    "protect": "Never touch it from now on. It can be taken back here and in Settings.",
    "unprotect": "Take it off the list of what is never touched.",
}


def why_not(job: Job | None, known: Grips, state: ProtectState) -> dict[str, str]:
    """For each action the reason why it cannot be asked for; empty where it can."""
    if job is None:
        return dict.fromkeys(_DOES, NONE_CHOSEN)
    held = known.held.get(job.key)
    grip = held.grip if held else None
    badge = known.protected.get(job.key)
    shut = _shut(badge, state)
    return {
        "slow_down": shut or (_HELD[grip] if grip else ""),
        "pause": shut or _not_paused(grip),
        "resume": "" if grip in (Grip.SLOWED, Grip.PAUSED) else "Nothing is held back on it.",
        "end": shut or (_HELD[Grip.ENDING] if grip is Grip.ENDING else ""),
        "protect": _protected(badge),
        "unprotect": "" if badge and badge.by_person else "You do not protect it.",
    }


def tooltip(action: str, reason: str) -> str:
    """What a button does, or why it cannot be pressed."""
    return reason or _DOES[action]


def _shut(badge: Protected | None, state: ProtectState) -> str:
    if badge is not None:
        return _protected(badge)
    return SWITCHED_OFF if state is ProtectState.OFF else ""


def _protected(badge: Protected | None) -> str:
    if badge and badge.by_person:
        return f"It is {badge.why}; Unprotect takes that back."
    return f"It is protected: {badge.why}." if badge else ""


def _not_paused(grip: Grip | None) -> str:
    if grip is Grip.PAUSED:
        return "It is paused already."
    return _HELD[grip] if grip in (Grip.ENDING, Grip.WOULD) else ""
