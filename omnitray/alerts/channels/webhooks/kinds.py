"""Each kind's form: from events to requests, escaped for the receiver. Pure.

A new kind is one function and one line in :data:`KIND_FORMS`. Chats and mail get what waits as one
message; services with a life of the incident get each event, with the fingerprint as their key.
"""

import base64
import hashlib
import hmac
import html
import re
from collections.abc import Callable, Sequence
from email.utils import formatdate
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

import msgspec

from omnitray.alerts.channels.webhooks.brief import Brief, brief_of, digest_of
from omnitray.alerts.channels.webhooks.model import EventAction, HttpCall, WebhookEvent
from omnitray.base.clock import timestamp

Events = Sequence[WebhookEvent]
JSON = {"Content-Type": "application/json; charset=utf-8"}
COLOURS = {"critical": 0xD32F2F, "warning": 0xF9A825, "info": 0x0072B2, "over": 0x2E7D32}
# Alertmanager closes what is not sent again: refreshed three times before it would be.
REFRESH_S, LASTS_S = 300.0, 900.0
PAGERDUTY_KEY_LIMIT = 255
TELEGRAM_LIMIT = 4096  # UTF-16 units
NTFY_BYTES = 4096  # what is longer becomes a file to download
WEBHOOK_KEY = "whsec_"


class FormContext(NamedTuple):
    """Where to, the secret, whose machine, the address of its dashboard, the wall clock."""

    url: str
    secret: str
    machine: str
    link: str
    now: float


class KindForm(NamedTuple):
    """``gathers``: what waits goes as one message; ``pace_s`` is the least time between two.

    ``acknowledges``: it takes acknowledgements. ``refreshes``: open alerts are repeated.
    """

    write: Callable[[Events, FormContext], list[HttpCall]]
    gathers: bool = True
    pace_s: float = 10.0
    acknowledges: bool = False
    refreshes: bool = False


def _posted(events: Events, url: str, body: Any, **headers: str) -> HttpCall:
    return HttpCall(
        url=url,
        headers={**JSON, **headers},
        body=msgspec.json.encode(body).decode(),
        events=tuple(event.id for event in events),
    )


def _slack(events: Events, to: FormContext) -> list[HttpCall]:
    """https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks, without markup."""
    brief = digest_of(events, to.machine, to.link)
    blocks = [
        {"type": "header", "text": _slack_text(brief.headline, 150)},
        {"type": "section", "text": _slack_text(brief.plain or brief.machine, 3000)},
    ]
    fallback = _slack_escaped(f"{brief.headline} ({brief.machine})")
    return [_posted(events, to.url, {"text": fallback, "blocks": blocks, "mrkdwn": False})]


def _slack_text(text: str, limit: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": text[:limit], "emoji": False}


def _slack_escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _discord(events: Events, to: FormContext) -> list[HttpCall]:
    """https://discord.com/developers/docs/resources/webhook: markup escaped, no mentions."""
    brief = digest_of(events, to.machine, to.link)
    embed = {
        "title": markdown_escaped(brief.headline)[:256],
        "description": markdown_escaped(brief.plain)[:4096],
        "color": COLOURS[brief.tone],
    }
    body = {"username": "OmniTray", "embeds": [embed], "allowed_mentions": {"parse": []}}
    return [_posted(events, to.url, body)]


def markdown_escaped(text: str) -> str:
    """Every character that Markdown could read as markup after a backslash."""
    return re.sub(r"([\\`*_{}\[\]()<>#+.!|~:@-])", r"\\\1", text)


def _teams(events: Events, to: FormContext) -> list[HttpCall]:
    """An Adaptive Card for a Teams workflow; RichTextBlock knows no markup."""
    brief = digest_of(events, to.machine, to.link)
    body = [_teams_text(brief.headline, "large"), *map(_teams_text, brief.plain.splitlines())]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    kind = "application/vnd.microsoft.card.adaptive"
    attachment = {"contentType": kind, "contentUrl": None, "content": card}
    return [_posted(events, to.url, {"type": "message", "attachments": [attachment]})]


def _teams_text(text: str, size: str = "default") -> dict[str, Any]:
    run = {"type": "TextRun", "text": text or " ", "size": size}
    return {"type": "RichTextBlock", "inlines": [run]}


def _telegram(events: Events, to: FormContext) -> list[HttpCall]:
    """https://core.telegram.org/bots/api#sendmessage; ``?chat_id=`` stands in the address."""
    brief = digest_of(events, to.machine, to.link)
    parts = urlsplit(to.url)
    chat = dict(parse_qsl(parts.query)).get("chat_id", "")
    url = urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
    # The limit counts what is read, not the escapes; cut before them, so that none is cut in two.
    plain = _cut(f"{brief.headline}\n{brief.plain}", 2 * TELEGRAM_LIMIT, "utf-16-le")
    head, _, rest = plain.partition("\n")
    text = f"<b>{html.escape(head)}</b>\n{html.escape(rest)}"
    body = {
        "chat_id": chat,
        "text": text,
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
    }
    return [_posted(events, url, body)]


def _ntfy(events: Events, to: FormContext) -> list[HttpCall]:
    """https://docs.ntfy.sh/publish/#publish-as-json: the topic is the end of the address."""
    brief = digest_of(events, to.machine, to.link)
    parts = urlsplit(to.url)
    before, _, topic = parts.path.rstrip("/").rpartition("/")
    priority = {"critical": 5, "warning": 4, "over": 3}.get(brief.tone, 3)
    tag = {"critical": "rotating_light", "warning": "warning", "over": "white_check_mark"}
    body: dict[str, Any] = {
        "topic": unquote(topic),
        "title": brief.title,
        "message": _cut(brief.plain or brief.machine, NTFY_BYTES, "utf-8"),
        "priority": priority,
        "tags": [tag.get(brief.tone, "information_source")],
    }
    if brief.link:
        body["click"] = brief.link
    url = urlunsplit((parts.scheme, parts.netloc, before or "/", "", ""))
    return [_posted(events, url, body, **_bearer(to.secret))]


def _cut(text: str, most_bytes: int, encoding: str) -> str:
    return text.encode(encoding, "replace")[:most_bytes].decode(encoding, "ignore")


def _bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"} if secret else {}


def _email(events: Events, to: FormContext) -> list[HttpCall]:
    """``smtp://user:password@host:587/?to=me@example.org``; ``smtps`` is TLS from the start."""
    brief = digest_of(events, to.machine, to.link)
    parts = urlsplit(to.url)
    query = dict(parse_qsl(parts.query))
    implicit = parts.scheme == "smtps"
    user = unquote(parts.username or "")
    sender = query.get("from") or (user if "@" in user else f"omnitray@{to.machine}")
    first = events[0]
    headers = {
        "From": sender,
        "To": query.get("to", ""),
        "Subject": f"[{brief.tone}] {brief.title} ({brief.machine})",
        "Date": formatdate(to.now, localtime=True),
        "Message-ID": f"<{first.id}.{len(events)}@omnitray>",
        "Auto-Submitted": "auto-generated",  # RFC 3834: no automatic answers, please
    }
    if len(events) == 1:  # mail programs show the life of an incident as one thread
        headers["References"] = f"<{first.alert.fingerprint}@omnitray>"
    return [
        HttpCall(
            via="smtp",
            host=parts.hostname or "",
            port=parts.port or (465 if implicit else 587),
            tls="implicit" if implicit else "" if query.get("tls") == "no" else "starttls",
            user=user,
            password=unquote(parts.password or to.secret),
            headers=headers,
            body=f"{brief.headline}\n\n{brief.plain}\n",
            events=tuple(event.id for event in events),
        )
    ]


def _pagerduty(events: Events, to: FormContext) -> list[HttpCall]:
    """https://developer.pagerduty.com/docs/events-api-v2-overview: one event a request."""
    return [_pagerduty_one(event, to) for event in events]


def _pagerduty_one(event: WebhookEvent, to: FormContext) -> HttpCall:
    alert = event.alert
    body: dict[str, Any] = {
        "routing_key": to.secret,
        "event_action": event.action.value,
        "dedup_key": f"omnitray:{to.machine}:{alert.fingerprint}"[:PAGERDUTY_KEY_LIMIT],
    }
    if event.action is EventAction.TRIGGER:
        brief = brief_of(event, to.machine, to.link)
        body["payload"] = {
            "summary": f"{brief.title} ({brief.machine})"[:1024],
            "source": to.machine,
            "severity": alert.severity.value,
            "timestamp": alert.last_seen,
            "component": alert.source,
            "class": alert.type.value,
            "custom_details": dict(brief.facts) | {"text": brief.text},
        }
        body["client"] = "OmniTray"
        if to.link:
            body["client_url"] = to.link
    return _posted([event], to.url, body)


def _alertmanager(events: Events, to: FormContext) -> list[HttpCall]:
    """https://prometheus.io/docs/alerting/latest/alerts_api/: of an incident its newest state."""
    latest = {event.alert.fingerprint: event for event in events}
    base = to.url.rstrip("/")
    url = base if base.endswith("/api/v2/alerts") else f"{base}/api/v2/alerts"
    body = [_alertmanager_one(event, to) for event in latest.values()]
    return [_posted(events, url, body, **_bearer(to.secret))]


def _alertmanager_one(event: WebhookEvent, to: FormContext) -> dict[str, Any]:
    alert = event.alert
    over = event.action is EventAction.RESOLVE
    brief = brief_of(event, to.machine, to.link)
    facts = {name.lower(): value for name, value in brief.facts}
    ends = alert.resolved_at if over else timestamp(to.now + LASTS_S)
    found = {
        "labels": {
            "alertname": alert.type.value,
            "instance": to.machine,
            "severity": alert.severity.value,
            "source": alert.source.partition(":")[0],
            "fingerprint": alert.fingerprint,
        },
        "annotations": {"summary": brief.title, "description": brief.text, **facts},
        "startsAt": alert.first_seen,
        # The clock may have been set back: what ends before it began is refused, with its batch.
        "endsAt": max(ends or alert.first_seen, alert.first_seen),
    }
    return {**found, "generatorURL": to.link} if to.link else found


def _json(events: Events, to: FormContext) -> list[HttpCall]:
    """https://www.standardwebhooks.com: signed over id, time and body; one event a request."""
    return [_json_one(event, to) for event in events]


def _json_one(event: WebhookEvent, to: FormContext) -> HttpCall:
    word = {
        EventAction.TRIGGER: "firing",
        EventAction.ACKNOWLEDGE: "acknowledged",
        EventAction.RESOLVE: "resolved",
    }[event.action]
    body = msgspec.json.encode(
        {
            "type": f"alert.{word}",
            "timestamp": timestamp(event.at),
            "data": {
                "machine": to.machine,
                "dedup_key": event.alert.fingerprint,
                "sequence": event.number,
                "alert": event.alert,
            },
        }
    ).decode()
    headers = {**JSON, **signature(event.id, int(to.now), body, to.secret)}
    return HttpCall(url=to.url, headers=headers, body=body, events=(event.id,))


def signature(id_: str, at: int, body: str, secret: str) -> dict[str, str]:
    """The three headers; without a secret there is no signature."""
    headers = {"webhook-id": id_, "webhook-timestamp": str(at)}
    if secret:
        key = _key_of(secret)
        signed = hmac.new(key, f"{id_}.{at}.{body}".encode(), hashlib.sha256).digest()
        headers["webhook-signature"] = f"v1,{base64.b64encode(signed).decode()}"
    return headers


def _key_of(secret: str) -> bytes:
    """``whsec_`` and base64, as the standard writes a key; any other text as its bytes."""
    if secret.startswith(WEBHOOK_KEY):
        try:
            return base64.b64decode(secret.removeprefix(WEBHOOK_KEY), validate=True)
        except ValueError:
            return secret.encode()
    return secret.encode()


def _apprise(events: Events, to: FormContext) -> list[HttpCall]:
    """Whatever Apprise knows; it escapes for the receiver by itself."""
    brief: Brief = digest_of(events, to.machine, to.link)
    return [
        HttpCall(
            via="apprise",
            url=to.url,
            title=brief.headline,
            body=brief.plain or brief.machine,
            tone=brief.tone,
            events=tuple(event.id for event in events),
        )
    ]


KIND_FORMS: dict[str, KindForm] = {
    "slack": KindForm(_slack),
    "discord": KindForm(_discord),
    "teams": KindForm(_teams),
    "telegram": KindForm(_telegram),
    "ntfy": KindForm(_ntfy),
    "email": KindForm(_email, pace_s=60.0),
    "pagerduty": KindForm(_pagerduty, gathers=False, pace_s=0.2, acknowledges=True),
    "alertmanager": KindForm(_alertmanager, pace_s=1.0, refreshes=True),
    "json": KindForm(_json, gathers=False, pace_s=0.2, acknowledges=True),
    "apprise": KindForm(_apprise),
}


def without_secrets(text: str, *secrets: str) -> str:
    """An answer that repeats an address or a key shows dots in its place."""
    for secret in sorted(_parts_of(secrets), key=len, reverse=True):
        text = text.replace(secret, "…")
    return text


def _parts_of(secrets: Sequence[str]) -> set[str]:
    """Whole secrets, and of addresses every part that is long enough to be one."""
    parts: set[str] = set()
    for secret in secrets:
        parts.add(secret)
        pieces = re.split(r"[/?&=:@#]+", secret)
        parts.update(pieces, (each.removeprefix("bot") for each in pieces))  # Telegram's
        parts.add(urlencode({"": secret})[1:])
    return {part for part in parts if len(part) >= 6}  # noqa: PLR2004 - shorter is a word
