"""What a person can ask for jobs: which actions make sense, why others do not. Buttons and menu."""

from collections.abc import Iterable
from typing import NamedTuple

from PySide6.QtWidgets import QMenu

from omnitray.base.facts import Job, ProtectState
from omnitray.protector.view import HoldKind, Protected
from omnitray.ui import formats
from omnitray.ui.intents import Intents
from omnitray.ui.pages.processes.text import Grips

NONE_CHOSEN = "Choose a job in the list first."
SWITCHED_OFF = "Protection is off. It is switched on the Protection page."
_HELD = {
    HoldKind.SLOWED: "It is slowed down already.",
    HoldKind.PAUSED: "It is paused, which is more than slowed down.",
    HoldKind.ENDING: "It is about to end.",
    HoldKind.WOULD: "Only watching: it is noted already what would have been done.",
}


class JobAction(NamedTuple):
    """One action: the word of its button, and what it does."""

    word: str
    does: str


ACTIONS = {
    "slow_down": JobAction(
        "Slow down",
        "Let everything else go first; it costs the job nothing while nobody waits.",
    ),
    "always_slow_down": JobAction(
        "Always slow down",
        "Slow it down now, and whenever it runs again: a rule in the settings says so.",
    ),
    "pause": JobAction("Pause", "Stop it where it is, until Resume."),
    "resume": JobAction("Resume", "Give back what was taken: it runs as before."),
    "protect": JobAction(
        "Protect",
        "Never touch it from now on. It can be taken back here and in Settings.",
    ),
    "unprotect": JobAction("Unprotect", "Take it off the list of what is never touched."),
    "end": JobAction("End…", "Ask it to stop, after one more question."),
}


class Offer(NamedTuple):
    """An action for the chosen jobs: the keys that it is meant for, or why there are none."""

    action: str
    keys: tuple[str, ...]
    reason: str

    @property
    def hint(self) -> str:
        """What it does, or why it cannot be asked for."""
        return self.reason or ACTIONS[self.action].does

    @property
    def word(self) -> str:
        """The word on its button; with several jobs it says how many are meant."""
        word = ACTIONS[self.action].word
        if len(self.keys) < 2:  # noqa: PLR2004 - one is not said
            return word
        return f"End {len(self.keys)}…" if self.action == "end" else f"{word} {len(self.keys)}"


def offers(jobs: Iterable[Job], known: Grips, state: ProtectState) -> dict[str, Offer]:
    """Each action with the jobs that it makes sense for; those of others are left out."""
    reasons = {job.key: why_not(job, known, state) for job in jobs}
    made = {}
    for action in ACTIONS:
        keys = tuple(key for key, why in reasons.items() if not why[action])
        first = next((why[action] for why in reasons.values()), NONE_CHOSEN)
        made[action] = Offer(action, keys, "" if keys else first)
    return made


def why_not(job: Job, known: Grips, state: ProtectState) -> dict[str, str]:
    """For each action the reason why it cannot be asked for; empty where it can."""
    held = known.held.get(job.key)
    grip = held.grip if held else None
    badge = known.protected.get(job.key)
    shut = _shut(badge, state)
    return {
        "slow_down": shut or (_HELD[grip] if grip else ""),
        "always_slow_down": shut,
        "pause": shut or _not_paused(grip),
        "resume": ""
        if grip in (HoldKind.SLOWED, HoldKind.PAUSED)
        else "Nothing is held back on it.",
        "end": shut or (_HELD[HoldKind.ENDING] if grip is HoldKind.ENDING else ""),
        "protect": _protected(badge),
        "unprotect": "" if badge and badge.by_person else "You do not protect it.",
    }


def _shut(badge: Protected | None, state: ProtectState) -> str:
    if badge is not None:
        return _protected(badge)
    return SWITCHED_OFF if state is ProtectState.OFF else ""


def _protected(badge: Protected | None) -> str:
    if badge and badge.by_person:
        return f"It is {badge.why}; Unprotect takes that back."
    return f"It is protected: {badge.why}." if badge else ""


def _not_paused(grip: HoldKind | None) -> str:
    if grip is HoldKind.PAUSED:
        return "It is paused already."
    return _HELD[grip] if grip in (HoldKind.ENDING, HoldKind.WOULD) else ""


def fill_menu(
    menu: QMenu, jobs: tuple[Job, ...], known: Grips, state: ProtectState, intents: Intents
) -> None:
    """Put all actions into the menu of the chosen jobs; the end of one asks once more."""
    menu.setToolTipsVisible(True)
    for action, offer in offers(jobs, known, state).items():
        if action == "unprotect" and not offer.keys:
            continue
        entry = menu.addAction(offer.word)
        entry.setEnabled(bool(offer.keys))
        entry.setToolTip(formats.one_line(offer.hint))
        entry.triggered.connect(lambda _=False, it=offer: request(intents, it))


def request(intents: Intents, offer: Offer) -> None:
    """Ask for an action on each of its jobs; to end some is asked once for all of them."""
    if offer.action == "end":
        intents.jobs_end_asked.emit(offer.keys)
        return
    for key in offer.keys:
        intents.job_action_requested.emit(key, offer.action)
