"""What became of an alert on each channel, in words and pills. Pure."""

from typing import NamedTuple

from omnitray.alerts.channels.deliveries import Delivery, DeliveryState
from omnitray.alerts.channels.registry import NAMES
from omnitray.alerts.model import Alert
from omnitray.base.facts import AlertChannel
from omnitray.ui import formats
from omnitray.ui.theme import Tone
from omnitray.ui.widgets.pills import Pill

WORDS = {
    AlertChannel.DESKTOP: "Desktop",
    AlertChannel.FILE: "File",
    AlertChannel.SYSLOG: "Syslog",
    AlertChannel.WEBSOCKET: "Local API",
    AlertChannel.VSCODE: "VS Code",
    AlertChannel.WEBHOOK: "Webhook",
}
_TONES: dict[DeliveryState, tuple[Tone, str]] = {
    DeliveryState.DELIVERED: ("good", "check"),
    DeliveryState.WAITING: ("warning", "dot"),
    DeliveryState.FAILED: ("critical", "cross"),
    DeliveryState.NOT_SENT: ("neutral", "ring"),
}


class DeliveryLine(NamedTuple):
    """One channel: its name, the pill, and what went wrong."""

    name: str
    pill: Pill
    quiet: str = ""


def lines(alert: Alert, found: tuple[Delivery, ...], now_s: float) -> list[DeliveryLine]:
    """One a channel and target; of what the record alone knows only that it was delivered."""
    made = [_line(each, now_s) for each in sorted(found, key=_place)]
    # A channel with targets has taken it where one has: the others say nothing of that one.
    told = {
        each.channel for each in found if not each.target or each.state is DeliveryState.DELIVERED
    }
    made += [
        DeliveryLine(name_of(channel), Pill("delivered", "good", "check"))
        for channel in alert.channels
        if channel not in told
    ]
    return made


def name_of(channel: str, target: str = "") -> str:
    """``Desktop``, ``Webhook team``."""
    known = {str(key): word for key, word in WORDS.items()}
    word = known.get(channel) or formats.one_line(channel, 40).capitalize()
    return f"{word} {formats.one_line(target, 40)}" if target else word


def pill_of(found: Delivery, now_s: float) -> Pill:
    """``delivered 14:02``, ``waiting, next try in 40 s``, ``failed``, ``not sent``."""
    tone, glyph = _TONES[found.state]
    match found.state:
        case DeliveryState.DELIVERED:
            word = f"delivered {formats.when(found.at, now_s)}"
        case DeliveryState.WAITING if found.next_at is not None and found.next_at > now_s:
            word = f"waiting, next try in {formats.duration(found.next_at - now_s)}"
        case DeliveryState.WAITING:
            word = "on its way"
        case DeliveryState.NOT_SENT:
            word = "not sent"
        case _:
            word = "failed"
    return Pill(word, tone, glyph)


def _line(found: Delivery, now_s: float) -> DeliveryLine:
    return DeliveryLine(
        name_of(found.channel, found.target), pill_of(found, now_s), formats.one_line(found.why)
    )


def _place(found: Delivery) -> tuple[int, str]:
    known = NAMES.index(found.channel) if found.channel in NAMES else len(NAMES)
    return known, found.target
