"""What a channel is: one function that takes an alert somewhere."""

from typing import Protocol

from omnitray.alerts.decision import Decision
from omnitray.alerts.model import Alert


class Channel(Protocol):
    """One way out. Called on a thread of its own; may block and may raise.

    Desktop and webhooks look at ``decision.notify`` (show ``decision.title`` and ``.body`` in
    ``decision.slot``) and ``decision.withdraw`` (take back what is shown in that slot); feeds
    pass ``alert`` on as it is.
    """

    def send(self, alert: Alert, decision: Decision) -> None:
        """Deliver; an exception counts as not delivered and is logged once."""
        ...
