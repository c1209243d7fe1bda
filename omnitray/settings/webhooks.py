"""``[[webhook]]``: the receivers that the settings declare, checked one by one.

A webhook that cannot be used is left out and named with what is wrong; the others stand. What may
hold a secret (the address, the secret itself) is never part of what is said about a fault.
"""

import datetime as dt
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from omnitray.base.bounded import read_bounded
from omnitray.base.facts import AlertType, Severity
from omnitray.base.keyring import READ_S, KeyringError, keyring
from omnitray.base.process_environment import expanded
from omnitray.settings.faults import TableFault, what_is_allowed

WEBHOOK_NAME = re.compile(r"[\w .-]{1,40}")
ADDRESS = re.compile(
    r"([a-z][a-z0-9+.-]*)://(?:[^@/?#]*@)?(\[[0-9a-fA-F:.]+\]|[^:/?#\s\[\]]*)(?::\d{1,5})?(?:[/?#]|$)"
)
ENTRY = re.compile(r"[!-~][ -~]{0,99}")
HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
MAX_SECRET_BYTES = 4096
OTHERS_MAY_READ = 0o077
PAGERDUTY_URL = "https://events.pagerduty.com/v2/enqueue"
WebhookKind = Literal[
    "slack",
    "discord",
    "teams",
    "telegram",
    "ntfy",
    "email",
    "pagerduty",
    "alertmanager",
    "json",
    "apprise",
]
KINDS: tuple[WebhookKind, ...] = (
    "slack",
    "discord",
    "teams",
    "telegram",
    "ntfy",
    "email",
    "pagerduty",
    "alertmanager",
    "json",
    "apprise",
)
SCHEMES: dict[str, tuple[str, ...]] = {"email": ("smtp", "smtps"), "apprise": ()}
WEB = ("http", "https")


class WebhookSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One ``[[webhook]]``.

    Address and secret stand there, in a file that only you can read, or in an entry of the
    keyring: ``url_file``, ``url_keyring``.
    """

    name: str
    kind: WebhookKind
    url: str = ""
    url_file: str = ""
    url_keyring: str = ""
    severity: Severity = msgspec.field(default=Severity.CRITICAL, name="from")
    types: tuple[AlertType, ...] = ()
    resolved: bool = True
    quiet: tuple[str, ...] = ()
    quiet_critical: bool = False
    secret: str = ""
    secret_file: str = ""
    secret_keyring: str = ""
    paused: bool = False

    def __repr__(self) -> str:
        """Without address and secret: this may reach a log."""
        return f"WebhookSettings(name={self.name!r}, kind={self.kind!r})"

    @property
    def kept_in(self) -> Literal["settings", "file", "keyring"]:
        """Where address and secret are; of two places the one that more can read."""
        if self.url or self.secret:
            return "settings"
        return "file" if self.url_file or self.secret_file else "keyring"

    def is_quiet(self, severity: Severity, at: dt.time) -> bool:
        """Whether an alert of this severity waits for the end of the quiet hours."""
        if severity is Severity.CRITICAL and not self.quiet_critical:
            return False
        return any(_within(hours, at) for hours in self.quiet)


class WebhookFault(TableFault):
    """A declaration that cannot be used; what could be a secret is shown as dots."""


class SecretFault(OSError):  # noqa: N818 - as above
    """A file or an entry of the keyring that cannot be used; says why, never what is in it."""


PLAIN = ("from", "types", "resolved", "quiet", "quiet_critical", "paused")  # never a secret
FIELDS_OF_A_WEBHOOK = tuple(each.encode_name for each in msgspec.structs.fields(WebhookSettings))


def webhook_of_table(table: Mapping[str, Any]) -> WebhookSettings:
    """The webhook that a table declares; raises :class:`WebhookFault`."""
    for key in table:
        if key not in FIELDS_OF_A_WEBHOOK:
            raise WebhookFault(key, "…", "one of " + ", ".join(FIELDS_OF_A_WEBHOOK))
    name = table.get("name", "")
    if not isinstance(name, str) or not WEBHOOK_NAME.fullmatch(name) or name != name.strip():
        raise WebhookFault("name", name, "1 to 40 letters, digits, blanks, _, - and .")
    if table.get("kind") not in KINDS:
        raise WebhookFault("kind", table.get("kind", ""), "one of " + ", ".join(KINDS))
    try:
        webhook = msgspec.convert(dict(table), WebhookSettings)
    except msgspec.ValidationError as error:
        key, allowed = what_is_allowed(error, WebhookSettings)
        found = table.get(key, "") if key in PLAIN else "…"
        raise WebhookFault(key or "webhook", found, allowed) from error
    return _whole(webhook)


def address_of(webhook: WebhookSettings) -> str:
    """Where it sends to; raises :class:`SecretFault` where that cannot be read or used."""
    url, place = _read(webhook.url, webhook.url_file, webhook.url_keyring)
    if place and (wrong := why_no_address(webhook.kind, url)):
        raise SecretFault(f"{place} does not hold {wrong}")
    if not url and webhook.kind == "pagerduty":
        return PAGERDUTY_URL
    return url


def secret_of(webhook: WebhookSettings) -> str:
    """Its secret; raises :class:`SecretFault` where that cannot be read."""
    return _read(webhook.secret, webhook.secret_file, webhook.secret_keyring)[0]


def texts_of(webhook: WebhookSettings, patience_s: float) -> dict[str, str]:
    """``url`` and ``secret`` where there is one; raises :class:`SecretFault`."""
    found = {
        "url": _read(webhook.url, webhook.url_file, webhook.url_keyring, patience_s)[0],
        "secret": _read(webhook.secret, webhook.secret_file, webhook.secret_keyring, patience_s)[0],
    }
    return {key: text for key, text in found.items() if text}


def _read(text: str, file: str, entry: str, patience_s: float = READ_S) -> tuple[str, str]:
    """What stands in one of the three, and where, if not in the settings themselves."""
    if file:
        return read_secret(file), file
    if entry:
        return read_entry(entry, patience_s), f"the entry {entry} of the keyring"
    return text, ""


def read_entry(entry: str, patience_s: float = READ_S) -> str:
    """The text of an entry of the keyring; waits for it, so on a thread that may."""
    try:
        with keyring(patience_s) as found:
            text = found.read(entry).strip()
    except KeyringError as error:
        raise SecretFault(f"{error}") from error
    if not text or "\n" in text or len(text) > MAX_SECRET_BYTES:
        raise SecretFault(f"the entry {entry} of the keyring does not hold one short line of text")
    return text


def read_secret(name: str) -> str:
    """The text of a file that only its owner can read."""
    path = Path(expanded(name))
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        text = read_bounded(path, MAX_SECRET_BYTES).decode("utf-8").strip()
    except OSError as error:
        raise SecretFault(f"{path} cannot be read: {error.strerror or error}") from error
    except (UnicodeDecodeError, ValueError) as error:
        raise SecretFault(f"{path} does not hold one short line of text") from error
    if hasattr(os, "getuid") and mode & OTHERS_MAY_READ:
        raise SecretFault(f"{path} can be read by others; run: chmod 600 {path}")
    if not text or "\n" in text:
        raise SecretFault(f"{path} does not hold one short line of text")
    return text


def why_no_address(kind: str, url: str) -> str:
    """What is wrong with an address of a kind, without saying it; empty where nothing is."""
    schemes = SCHEMES.get(kind, WEB)
    found = ADDRESS.match(url)
    if kind == "apprise":
        return "" if found else "an address in the words of Apprise"
    if found is None or found[1] not in schemes or not found[2]:
        return " or ".join(f"{scheme}://…" for scheme in schemes)
    printable = url.isascii() and all(mark.isprintable() and mark != " " for mark in url)
    return "" if printable else "an address without blanks and letters beyond ASCII"


def _whole(webhook: WebhookSettings) -> WebhookSettings:
    """What must hold between the fields."""
    for key in ("url", "secret"):
        named = [each for each in (key, f"{key}_file", f"{key}_keyring") if getattr(webhook, each)]
        if len(named) > 1:
            raise WebhookFault(named[1], "…", f"one of {key}, {key}_file and {key}_keyring")
        entry = getattr(webhook, f"{key}_keyring")
        if entry and not ENTRY.fullmatch(entry):
            raise WebhookFault(f"{key}_keyring", entry, "1 to 100 ASCII signs")
    elsewhere = webhook.url_file or webhook.url_keyring
    needs_url = webhook.kind != "pagerduty" and not elsewhere
    if (webhook.url or needs_url) and (wrong := why_no_address(webhook.kind, webhook.url)):
        raise WebhookFault("url", "…", wrong)
    has_secret = webhook.secret or webhook.secret_file or webhook.secret_keyring
    if webhook.kind == "pagerduty" and not has_secret:
        places = "here, in secret_file or in secret_keyring"
        raise WebhookFault("secret", "…", f"the integration's routing key, {places}")
    for hours in webhook.quiet:
        if not HOURS.fullmatch(hours):
            raise WebhookFault("quiet", hours, "hours like 22:00-07:00")
    return webhook


def _within(hours: str, at: dt.time) -> bool:
    found = HOURS.fullmatch(hours)
    if found is None:
        return False
    begin = dt.time(int(found[1]), int(found[2]))
    end = dt.time(int(found[3]), int(found[4]))
    return begin <= at < end if begin <= end else at >= begin or at < end
