"""The endpoints of the channels: how each stands, and what became of one alert on each."""

import asyncio
from typing import Annotated, Literal

import msgspec

from omnitray.alerts.channels.deliveries import ChannelState, ChannelView, Delivery, DeliveryState
from omnitray.alerts.channels.webhooks.standing import WebhookView
from omnitray.api import bodies
from omnitray.api.facade import ChangeWebhook, CommandRefused, Refusal, TestWebhook, WebhookVerb
from omnitray.api.handlers import Call, settled
from omnitray.api.wire import Done
from omnitray.base.clock import timestamp
from omnitray.base.facts import Severity

TEST_TIMEOUT_S = 70.0  # as long as the process that sends is waited for, and a little


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
    """A channel: how it stands, who listens, what waits, what is wrong."""

    name: str
    state: ChannelState
    open: bool
    clients: int | None
    receivers: int | None
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
    """What became of one alert on each channel; none for one of an earlier start."""
    found = call.door.deliveries(call.id)
    if not found and await asyncio.to_thread(call.door.alert, call.id) is None:
        raise CommandRefused(Refusal.NOT_FOUND, f"There is no alert {call.id}.")
    return DeliveriesBody(alert=call.id, deliveries=tuple(delivery_body(each) for each in found))


class WebhookBody(msgspec.Struct, frozen=True, kw_only=True):
    """A receiver: what waits, when it is tried next, what is wrong. Never an address or a key."""

    name: str
    kind: str
    severity: Severity
    resolved: bool
    state: str
    waiting: int
    delivered_at: str | None
    next_at: str | None
    why: str
    dropped: int
    kept_in: Literal["settings", "file", "keyring"]  # address and key


class WebhooksBody(msgspec.Struct, frozen=True, kw_only=True):
    """All receivers, in the order of the settings."""

    webhooks: tuple[WebhookBody, ...]


class WebhookName(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which receiver."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]


class NewWebhookState(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to become of a receiver."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    action: WebhookVerb


class WebhookTestBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a receiver answered to a test."""

    name: str
    arrived: bool
    words: str
    body: str
    took_s: float
    at: str


async def webhooks(call: Call) -> WebhooksBody:
    """How each receiver stands."""
    return WebhooksBody(webhooks=tuple(webhook_body(each) for each in call.door.webhooks()))


async def test_webhook(call: Call) -> WebhookTestBody:
    """Send a test to a receiver, and say what it answered."""
    wanted: WebhookName = call.body
    future = call.door.submit(TestWebhook(name=wanted.name))
    found = await asyncio.wait_for(asyncio.wrap_future(future), TEST_TIMEOUT_S)
    return bodies.body_of(WebhookTestBody, found, at=timestamp(found.at))


async def change_webhook(call: Call) -> Done:
    """Pause a receiver, let it go on, try at once what waits, or keep its secrets elsewhere."""
    wanted: NewWebhookState = call.body
    return await settled(call.door.submit(ChangeWebhook(name=wanted.name, verb=wanted.action)))


def webhook_body(view: WebhookView) -> WebhookBody:
    """A receiver on the wire."""
    return bodies.body_of(
        WebhookBody,
        view,
        delivered_at=bodies.moment(view.delivered_at),
        next_at=bodies.moment(view.next_at),
    )


def channel_body(view: ChannelView) -> ChannelBody:
    """A channel on the wire."""
    latest = delivery_body(view.latest) if view.latest is not None else None
    return bodies.body_of(ChannelBody, view, latest=latest)


def delivery_body(found: Delivery) -> DeliveryBody:
    """A delivery on the wire."""
    return bodies.body_of(
        DeliveryBody, found, at=timestamp(found.at), next_at=bodies.moment(found.next_at)
    )
