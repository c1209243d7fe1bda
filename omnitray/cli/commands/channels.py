"""``channels``, ``webhook test|list|pause|resume|retry``."""

import argparse

import msgspec

from omnitray.alerts.channels.deliveries import dropped, standing
from omnitray.api.channel_calls import (
    ChannelBody,
    ChannelsBody,
    NewWebhookState,
    WebhookBody,
    WebhookName,
    WebhooksBody,
    WebhookTestBody,
)
from omnitray.api.wire import Done
from omnitray.cli.dispatch import CommandContext
from omnitray.cli.times import shown


def channels(args: argparse.Namespace, context: CommandContext) -> int:
    """How each channel stands."""
    body = context.get("/channels", ChannelsBody, as_json=args.json)
    if body is not None:
        head = ("channel", "state", "waiting", "newest alert")
        rows = [_row(each, context) for each in body.channels]
        colours = ["dim", *("warning" if each.fault else "" for each in body.channels)]
        context.terminal.table([head, *rows], colours, drop=(2, 3))
    return 0


def _row(channel: ChannelBody, context: CommandContext) -> tuple[str, ...]:
    state = standing(channel.state, channel.fault, channel.clients, channel.receivers)
    newest = channel.latest
    told = f"{newest.state} {shown(newest.at, context.now)}" if newest else "–"
    return channel.name, state, str(channel.waiting or "–"), told


def webhook(args: argparse.Namespace, context: CommandContext) -> int:
    """List receivers, test one, pause it, let it go on, or try at once what waits."""
    if args.what == "list":
        return _list(args, context)
    if not args.name:
        raise ValueError(f"webhook {args.what} needs the NAME of a webhook")
    if args.what == "test":
        return _test(args, context)
    state = NewWebhookState(name=args.name, action=args.what)
    done = context.post("/webhooks/action", state, Done, as_json=args.json)
    for each in done.done if done is not None else ():
        context.terminal.line(each)
    return 0


def _test(args: argparse.Namespace, context: CommandContext) -> int:
    name = WebhookName(name=args.name)
    found = context.changed("/webhooks/test", name, WebhookTestBody, timeout_s=75.0)
    if args.json:
        context.terminal.json(msgspec.json.encode(found))
        return 0 if found.arrived else 1
    body = f" “{found.body}”" if found.body else ""
    line = f"{found.name}: {found.words}{body}, after {found.took_s:.1f} s"
    if found.arrived:
        context.terminal.line(line)
        return 0
    context.terminal.problem(line)
    return 1


def _list(args: argparse.Namespace, context: CommandContext) -> int:
    body = context.get("/webhooks", WebhooksBody, as_json=args.json)
    if body is None:
        return 0
    if not body.webhooks:
        context.terminal.line("no webhook; add one on the Channels page, or as [[webhook]]")
        return 0
    head = ("webhook", "kind", "from", "state", "waiting", "next try", "why")
    rows = [_webhook_row(each, context) for each in body.webhooks]
    colours = {"failed": "critical", "waiting": "warning", "paused": "dim"}
    context.terminal.table(
        [head, *rows],
        ["dim", *(colours.get(each.state, "") for each in body.webhooks)],
        drop=(5, 4, 1, 2),
    )
    return 0


def _webhook_row(webhook: WebhookBody, context: CommandContext) -> tuple[str, ...]:
    state = webhook.state
    if webhook.delivered_at and state == "delivered":
        state = f"delivered {shown(webhook.delivered_at, context.now)}"
    return (
        webhook.name,
        webhook.kind,
        webhook.severity.value,
        state,
        str(webhook.waiting or "–"),
        shown(webhook.next_at, context.now) if webhook.next_at else "–",
        "; ".join(part for part in (webhook.why, dropped(webhook.dropped)) if part) or "–",
    )
