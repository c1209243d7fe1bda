"""From a receiver's answer to what follows. Pure.

The back-off starts at 5 s, doubles to an hour and is spread by a fifth, so that many machines that
lost the same receiver do not come back in one moment. A receiver's own Retry-After goes before.
"""

import datetime as dt
import enum
from email.utils import parsedate_to_datetime

import msgspec

from omnitray.alerts.channels.webhooks.model import ReceiverAnswer

FIRST_S, MOST_S = 5.0, 3600.0
JITTER = 0.2
GIVE_UP_S = 3 * 86400.0
# A receiver may ask for a pause; one that asks for more than a day is not waited for longer.
MOST_RETRY_AFTER_S = 86400.0
_OK = range(200, 300)
_REDIRECTS = range(300, 400)
_MESSAGE_FAULTS = frozenset({400, 413, 422})  # of this message: others may pass
_CONFIGURATION_FAULTS = frozenset({401, 403, 404, 405, 410})
_LATER = frozenset({408, 425, 429})
_FIXABLE = frozenset(
    {
        "bad_address",
        "no_apprise",
        "login_refused",
        "no_login",
        "no_tls",
        "no_such_address",
        "tls",
        "secret",
    }
)
WORDS = {
    "timeout": "it did not answer in time",
    "not_listening": "nothing listens there",
    "no_such_host": "there is no host of that name",
    "closed": "it closed the connection in the middle of its answer",
    "no_http": "what answers there does not speak HTTP",
    "tls": "its certificate is not trusted, or it does not speak TLS",
    "bad_address": "the address cannot be used",
    "no_apprise": "Apprise is not installed; run: pip install 'omnitray[apprise]'",
    "login_refused": "it refused the login",
    "no_login": "it takes no login, or none over this connection",
    "no_tls": "it offers no TLS; where that is right, add tls=no to the address",
    "no_such_address": "it refused the sender or every address of the mail",
    "rejected": "it refused the message",
    "refused": "it refused the message",
    "later": "it asks to come again later",
    "no_process": "no process could be started that sends",
    "ended": "the process that sends was ended",
    "secret": "its address or key cannot be read",
}


class AnswerKind(enum.Enum):
    """What an answer means."""

    DELIVERED = "it arrived"
    RETRY = "the receiver may take it later"
    MISCONFIGURED = "the person has to change something; it is tried further, rarely"
    UNWANTED = "this message is refused; the others are not held up"


class AnswerVerdict(msgspec.Struct, frozen=True):
    """The kind, the words for a person, and how long to wait where the receiver says so."""

    kind: AnswerKind
    words: str
    wait_s: float | None = None


def verdict(answer: ReceiverAnswer, now: dt.datetime) -> AnswerVerdict:
    """What follows from an answer."""
    if answer.status is None:
        kind = AnswerKind.MISCONFIGURED if answer.error in _FIXABLE else AnswerKind.RETRY
        kind = AnswerKind.UNWANTED if answer.error == "rejected" else kind
        words = WORDS.get(answer.error, "it failed")
        if answer.error == "secret":  # the body is a sentence of ours, not the receiver's
            words = f"{words}: {answer.body}"
        return AnswerVerdict(kind, words)
    status = answer.status
    if status in _OK:
        return AnswerVerdict(AnswerKind.DELIVERED, f"answered {status}")
    if status in _REDIRECTS:
        words = f"answered {status}: it points elsewhere, and redirects are not followed"
        return AnswerVerdict(AnswerKind.MISCONFIGURED, words)
    if status in _MESSAGE_FAULTS:
        return AnswerVerdict(AnswerKind.UNWANTED, f"answered {status}: the message is refused")
    if status in _CONFIGURATION_FAULTS:
        said = {401: "the key is refused", 403: "the key may not do this", 404: "nothing is there"}
        why = said.get(status, "it does not take this")
        return AnswerVerdict(AnswerKind.MISCONFIGURED, f"answered {status}: {why}")
    return AnswerVerdict(AnswerKind.RETRY, f"answered {status}", retry_after_s(answer, now))


def back_off_s(failures: int, chance: float) -> float:
    """How long to wait after so many failures; ``chance`` is from 0 to 1."""
    plain = min(MOST_S, FIRST_S * 2.0 ** min(max(0, failures - 1), 20))
    return plain * (1 + JITTER * (2 * chance - 1))


def retry_after_s(answer: ReceiverAnswer, now: dt.datetime) -> float | None:
    """The header in seconds (RFC 9110, 10.2.3: a number or a date); None without a usable one."""
    text = answer.retry_after.strip()
    if not text:
        return None
    if text.isascii() and text.replace(".", "", 1).isdigit():
        return min(float(text), MOST_RETRY_AFTER_S)
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):  # a year of twenty digits
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return min(max(0.0, (moment - now).total_seconds()), MOST_RETRY_AFTER_S)
