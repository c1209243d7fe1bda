"""Why an alert was notified, held back or changed: a word and a sentence for each decision.

The window, the log, the API and the tests all show these same words.
"""

from omnitray.base.facts import ReasonEnum


class Reason(ReasonEnum):
    """Why an alert was notified, held back, or changed."""

    # told
    NEW = "new", "Told at once: it is new and nothing like it came before."
    ESCALATED = "escalated", "Told at once: it became more severe."
    REFIRED = "refired", "Told: it came back after it had been resolved."
    REPEATED = "repeated", "Told again: it still stands after the repeat interval."
    RELEASED = "released", "Told late: what had held it back is over and it still stands."
    GROUPED = "grouped", "Told together with others of its kind."
    DIGEST = "digest", "Told in a digest: many notifications were shown in the last minutes."
    FLAPPING_NOTICE = "flapping_notice", "Told once: it keeps coming and going."
    REWORDED = "reworded", "Shown anew in its place: it says something else now."

    # waits
    GROUP_WAIT = "group_wait", "Waits a moment to be told together with others of its kind."
    OVER_BUDGET = "over_budget", "Waits for a digest: many notifications were shown just now."

    # held back
    DISABLED = "disabled", "Not told: notifications are switched off."
    BELOW_THRESHOLD = "below_threshold", "Not told: less severe than what the settings ask for."
    NOBODY_WAITS = "nobody_waits", "Not told: it is busy, and nobody is waiting for it."
    SNOOZED = "snoozed", "Not told: notifications are paused."
    SNOOZED_ALERT = "snoozed_alert", "Not told: this alert is paused."
    ACKNOWLEDGED = "acknowledged", "Not told: somebody has acknowledged it."
    SERVER_IS_DOWN = "server_is_down", "Not told: its server is known to be down."
    CRITICAL_STANDS = "critical_stands", "Not told: a critical alert is open already."
    FLAPPING = "flapping", "Not told: it keeps coming and going, and that has been said."
    REPEAT_FLOOR = "repeat_floor", "Not told: the same was told less than a minute ago."
    ASKED_ABOUT = "asked_about", "Not told: the question about it is on the screen."
    NOT_YET_DUE = "not_yet_due", "Not told: it is known and its repeat is not due yet."
    OTHER_TYPE = "other_type", "Not told: this webhook takes other types of alerts."
    ABOUT_ITSELF = "about_itself", "Not told: it is about this webhook itself."

    # life
    RESOLVED = "resolved", "It no longer holds."
    EXPIRED = "expired", "Closed: nothing was heard of it for a day."
    CROWDED_OUT = "crowded_out", "Closed: too many alerts are open to follow this one further."
    ACKNOWLEDGED_NOW = "acknowledged_now", "Somebody has acknowledged it."
    SNOOZED_NOW = "snoozed_now", "Its notifications are paused from now on."
    RESTORED = "restored", "It was open when the program ended and is followed further."


# Nothing is told now, and this is why.
HOLDING = frozenset(each for each in Reason if each.sentence.startswith(("Not told", "Waits")))
