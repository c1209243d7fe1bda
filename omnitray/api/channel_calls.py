"""The endpoints of the channels: how each stands, and what became of one alert on each."""

import msgspec

from omnitray.alerts.channels.deliveries import Delivery, DeliveryState
from omnitray.alerts.channels.views import ChannelView
from omnitray.api import bodies
from omnitray.api.handlers import Call
from omnitray.base.clock import timestamp


class DeliveryBody(msgspec.Struct, frozen=True, kw_only=True):
    """One alert on one channel; ``target`` is the webhook's name, empty for other channels."""

    alert_id: str
    channel: str
    target: str
    state: DeliveryState
    at: str
    next_at: str | None
    why: str


class DeliveriesBody(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an alert since the program started; empty for one from before."""

    alert: str
    deliveries: tuple[DeliveryBody, ...]


class ChannelBody(msgspec.Struct, frozen=True, kw_only=True):
    """A channel: whether it is open, who listens, what waits, what is wrong."""

    name: str
    open: bool
    clients: int | None
    waiting: int
    fault: str
    latest: DeliveryBody | None


class ChannelsBody(msgspec.Struct, frozen=True, kw_only=True):
    """All channels, in the order in which an alert names them."""

    channels: tuple[ChannelBody, ...]


async def channels(call: Call) -> ChannelsBody:
    """How each channel stands."""
    return ChannelsBody(channels=tuple(channel_body(each) for each in call.door.channels()))


async def deliveries(call: Call) -> DeliveriesBody:
    """What became of one alert on each channel."""
    found = call.door.deliveries(call.id)
    return DeliveriesBody(alert=call.id, deliveries=tuple(delivery_body(each) for each in found))


def channel_body(view: ChannelView) -> ChannelBody:
    """A channel on the wire."""
    latest = delivery_body(view.latest) if view.latest is not None else None
    return bodies.body_of(ChannelBody, view, latest=latest)


def delivery_body(found: Delivery) -> DeliveryBody:
    """A delivery on the wire."""
    return bodies.body_of(
        DeliveryBody, found, at=timestamp(found.at), next_at=bodies.moment(found.next_at)
    )
