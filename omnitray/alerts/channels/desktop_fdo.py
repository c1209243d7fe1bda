"""Notifications through ``org.freedesktop.Notifications``, spoken by ourselves.

One notification an incident: :class:`FdoNotifier` keeps what should be on the screen
(``_ShownIncident.wanted``), what the service was sent (``sent``) and the number it gave, and brings
them together whenever an answer arrives. Nothing waits: a service that hangs costs memory for at
most ``MAX_INCIDENTS`` incidents. A service that is absent, dies or is replaced gets what is still
open as soon as it is (back) on the bus, once; what the person closed is not shown again.
"""

import logging
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from omnitray.alerts.channels.fdo_service import (
    NOTIFY_SIGNATURE,
    FdoService,
    ServiceState,
    notify_arguments,
)
from omnitray.alerts.channels.notification import CloseReason, Notification, Response
from omnitray.base.clock import Clock, SystemClock
from omnitray.base.dbus import BusError, BusReply, SessionBus
from omnitray.base.process_environment import usable_token

MAX_INCIDENTS = 200
MAX_IN_FLIGHT = 8  # enough for a burst; more would only queue up inside the service
MOST_CLICKS_PER_S = 8  # a fast hand does 7
_REMEMBERED_NUMBERS = 256  # some services close a notification before they say what was clicked
_OVERDUE_S = 10.0
_OWNER_DIED = tuple(
    f"org.freedesktop.DBus.Error.{name}" for name in ("NoReply", "Disconnected", "ServiceUnknown")
)

_log = logging.getLogger(__name__)


class _ShownIncident(msgspec.Struct, eq=False):
    slot: str
    alert_id: str
    wanted: Notification | None = None
    sent: Notification | None = None
    number: int = 0
    asked_s: float | None = None  # when the call went out whose answer is awaited


class FdoNotifier:
    """A :class:`.notification.Notifier` over a connection that it is given.

    ``on_response`` gets what the person chose, ``on_closed`` that a notification is gone,
    ``on_failed`` that one could not be shown after all (the next notifier's turn), ``on_shown``
    that the service has taken one.
    """

    name = "desktop notification service"
    answers_later = True

    def __init__(
        self,
        bus: SessionBus,
        *,
        on_response: Callable[[Response], None],
        on_closed: Callable[[str, CloseReason], None],
        on_failed: Callable[[Notification], None],
        on_shown: Callable[[Notification], None] = lambda _: None,
        icon: str = "omnitray",
        clock: Clock | None = None,
    ) -> None:
        self._bus = bus
        self._on_response = on_response
        self._on_closed = on_closed
        self._on_failed = on_failed
        self._on_shown = on_shown
        self._icon = icon
        self._clock = clock or SystemClock()
        self._incidents: dict[str, _ShownIncident] = {}
        self._in_flight: list[_ShownIncident] = []  # the oldest call first
        self._numbers: dict[int, _ShownIncident] = {}
        self._tokens: dict[int, str] = {}
        self._clicked_s: deque[float] = deque(maxlen=MOST_CLICKS_PER_S)
        self.trouble = ""
        self._service = FdoService(bus, self)
        self._service.start()

    @property
    def ready(self) -> bool:
        """Whether the service is there and its capabilities are known."""
        return self._service.state is ServiceState.READY

    @property
    def capabilities(self) -> frozenset[str]:
        """What the service can do; empty until it is READY."""
        return self._service.capabilities

    @property
    def wanted(self) -> tuple[Notification, ...]:
        """What should be on the screen."""
        every = (each.wanted for each in self._incidents.values())
        return tuple(each for each in every if each is not None)

    def show(self, notification: Notification) -> bool:
        """Show or replace; False when no service shows it now (it is shown if one comes)."""
        if self._bus.lost:
            self._say("the session bus is gone")
            return False
        incident = self._incident_for(notification)
        incident.wanted = notification
        if self.ready:
            self._bring_up(incident)
            return not self._is_overdue()
        absent = self._service.state is ServiceState.ABSENT
        if absent:
            self._service.ask()  # one that is started on demand may be there now
        return not absent

    def why_not(self) -> str:
        """Without a bus or a service nothing is shown."""
        if self._bus.lost:
            return "the session bus is gone"
        absent = self._service.state is ServiceState.ABSENT
        return self.trouble or "no notification service" if absent else ""

    def close(self, slot: str) -> None:
        """Take it away: now, or as soon as the service has said its number."""
        incident = self._incidents.get(slot)
        if incident is None:
            return
        incident.wanted = None
        if incident.asked_s is None:
            self._withdraw(incident)

    def close_all(self) -> None:
        """Close all notifications: no click on them would be handled any more."""
        for slot in list(self._incidents):
            self.close(slot)

    # What the service says (FdoListener).

    def service_ready(self) -> None:
        """Everything that is still open goes to a service that knows nothing yet."""
        self.trouble = ""
        self._bring_up_waiting()

    def service_absent(self, explanation: str) -> None:
        """What waits is the next notifier's; it stays here for a service that comes later."""
        self._say(explanation)
        for incident in list(self._incidents.values()):
            if incident.wanted is not None:
                self._on_failed(incident.wanted)

    def service_gone(self) -> None:
        """Numbers and open calls are void."""
        self._numbers.clear()
        self._tokens.clear()
        for incident in self._in_flight:
            incident.asked_s = None
        self._in_flight.clear()
        for incident in list(self._incidents.values()):
            incident.number, incident.sent = 0, None
            if incident.wanted is None:
                self._forget(incident)

    def service_signal(self, member: str, body: tuple[Any, ...]) -> None:
        """A click, a token or a close, of our notification or of another program's."""
        match member, body:
            case "ActivationToken", (int(number), str(token)) if number in self._numbers:
                self._tokens[number] = usable_token(token)
            case "ActionInvoked", (int(number), str(action)) if number in self._numbers:
                if not self._is_a_person():
                    return
                self._on_response(
                    Response(
                        alert_id=self._numbers[number].alert_id,
                        action=action,
                        activation_token=self._tokens.pop(number, None),
                    )
                )
            case "NotificationClosed", (int(number), int(reason)) if number in self._numbers:
                self._on_number_closed(number, CloseReason.of(reason))

    def _is_a_person(self) -> bool:
        """False for more clicks than a hand can do: each may open a window or act on a job."""
        now_s = self._clock.monotonic()
        if len(self._clicked_s) == self._clicked_s.maxlen and now_s - self._clicked_s[0] < 1.0:
            self._say("it reports more clicks than a person can do; the rest is left out")
            return False
        self._clicked_s.append(now_s)
        return True

    def _incident_for(self, notification: Notification) -> _ShownIncident:
        incident = self._incidents.setdefault(
            notification.place, _ShownIncident(notification.place, notification.alert_id)
        )
        while len(self._incidents) > MAX_INCIDENTS:
            self._give_up(next(iter(self._incidents.values())))
        return incident

    def _give_up(self, oldest: _ShownIncident) -> None:
        self._forget(oldest)
        oldest.wanted = None  # what is on its way is taken back when it has arrived
        if oldest.asked_s is None:
            self._withdraw(oldest)

    def _forget(self, incident: _ShownIncident) -> None:
        if self._incidents.get(incident.slot) is incident:
            del self._incidents[incident.slot]

    def _bring_up(self, incident: _ShownIncident) -> None:
        wanted = incident.wanted
        if wanted is None or wanted is incident.sent or incident.asked_s is not None:
            return
        if len(self._in_flight) >= MAX_IN_FLIGHT:
            return
        incident.sent, incident.asked_s = wanted, self._clock.monotonic()
        self._in_flight.append(incident)
        incident.alert_id = wanted.alert_id
        arguments = notify_arguments(
            wanted,
            replaces_id=incident.number,
            capabilities=self._service.capabilities,
            product=self._service.product,
            icon=self._icon,
        )

        def answered(answer: BusReply) -> None:
            self._on_notified(incident, answer)

        self._service.call("Notify", NOTIFY_SIGNATURE, arguments, answered)

    def _bring_up_waiting(self) -> None:
        for incident in list(self._incidents.values()):
            if len(self._in_flight) >= MAX_IN_FLIGHT:
                return
            self._bring_up(incident)

    def _on_notified(self, incident: _ShownIncident, answer: BusReply) -> None:
        incident.asked_s = None
        self._in_flight.remove(incident)
        if answer.error in _OWNER_DIED:
            incident.sent = None  # the next owner of the name gets it
            return
        try:
            (number,) = answer.holding(int)
        except BusError as error:
            self._refused(incident, str(error))
        else:
            self.trouble = ""
            incident.number = number
            self._remember(incident)
            if incident.sent is not None:
                self._on_shown(incident.sent)
            if incident.wanted is None:
                self._withdraw(incident)
        self._bring_up_waiting()

    def _refused(self, incident: _ShownIncident, explanation: str) -> None:
        self._say(f"it refused: {explanation}")
        self._forget(incident)
        if incident.wanted is not None:
            self._on_failed(incident.wanted)

    def _remember(self, incident: _ShownIncident) -> None:
        self._numbers.pop(incident.number, None)
        self._numbers[incident.number] = incident
        while len(self._numbers) > _REMEMBERED_NUMBERS:
            self._tokens.pop(next(iter(self._numbers)), None)
            self._numbers.pop(next(iter(self._numbers)))

    def _withdraw(self, incident: _ShownIncident) -> None:
        self._forget(incident)
        if incident.number:
            self._service.call("CloseNotification", "u", (incident.number,))

    def _on_number_closed(self, number: int, reason: CloseReason) -> None:
        incident = self._numbers[number]
        if incident.number != number:  # closed before
            return
        incident.number = 0
        if incident.asked_s is None:
            self._forget(incident)
        self._on_closed(incident.alert_id, reason)

    def _is_overdue(self) -> bool:
        asked_s = self._in_flight[0].asked_s if self._in_flight else None
        overdue = asked_s is not None and self._clock.monotonic() - asked_s > _OVERDUE_S
        if overdue:
            self._say("it does not answer")
        return overdue

    def _say(self, trouble: str) -> None:
        if trouble != self.trouble:
            self.trouble = trouble
            _log.info("%s: %s", self.name, trouble)
