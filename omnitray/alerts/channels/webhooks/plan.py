"""What a receiver has to hear: the difference between what it knows and how an alert stands. Pure.

A repeat of what it knows is no event. What is explained by something worse, flaps, or makes no one
wait is not begun; what was begun is always ended.
"""

import msgspec

from omnitray.alerts.channels.webhooks.model import EventAction, WebhookEvent
from omnitray.alerts.decision import Reason
from omnitray.alerts.model import Alert, State
from omnitray.settings.webhooks import WebhookSettings


class KnownIncident(msgspec.Struct, frozen=True):
    """What a receiver was sent last (or will be: its event is in the outbox)."""

    state: State
    rank: int


Known = dict[str, KnownIncident]  # by fingerprint


def action_for(
    webhook: WebhookSettings,
    alert: Alert,
    known: KnownIncident | None,
    *,
    held: Reason | None,
    acknowledges: bool,
    escalated: bool = False,
) -> EventAction | None:
    """What the receiver has to hear of this alert now."""
    told = known is not None and known.state != "resolved"
    if alert.state == "resolved":
        return EventAction.RESOLVE if told and webhook.resolved else None
    if alert.state == "acknowledged":
        fresh = told and known is not None and known.state == "firing"
        return EventAction.ACKNOWLEDGE if fresh and acknowledges else None
    worse = known is not None and (escalated or alert.severity.rank > known.rank)
    again = known is not None and known.state == "acknowledged"
    if why_not(webhook, alert, held) or (told and not worse and not again):
        return None
    return EventAction.TRIGGER


def why_not(webhook: WebhookSettings, alert: Alert, held: Reason | None) -> Reason | None:
    """Why an alert is not begun at this receiver; ``held`` is what speaks against telling anyone.

    None: it is begun now, or at its next repeat where the receiver was not there before.
    """
    about = alert.context.get("webhook")
    if about == webhook.name and alert.source == "monitor":
        return Reason.ABOUT_ITSELF  # that it does not answer cannot be told there
    if alert.severity.rank < webhook.severity.rank:
        return Reason.BELOW_THRESHOLD
    if webhook.types and alert.type not in webhook.types:
        return Reason.OTHER_TYPE
    if held is None and alert.context.get("others_wait") is False:
        return Reason.NOBODY_WAITS
    return held


def learnt(known: Known, event: WebhookEvent) -> None:
    """What the receiver knows once it has this event; of what is over it needs to know nothing."""
    if event.action is EventAction.RESOLVE:
        known.pop(event.alert.fingerprint, None)
    else:
        acknowledged = event.action is EventAction.ACKNOWLEDGE
        known[event.alert.fingerprint] = KnownIncident(
            "acknowledged" if acknowledged else "firing", event.alert.severity.rank
        )
