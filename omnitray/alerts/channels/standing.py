"""How a channel stands, as one word and as a sentence."""

import enum

from omnitray.base.amounts import count as said


class ChannelState(enum.StrEnum):
    """How a channel stands."""

    OPEN = "open"
    FAILED = "failed"
    NO_LISTENER = "no_listener"
    NOT_DECLARED = "not_declared"  # the settings name no receiver
    ABSENT = "absent"  # this machine has nothing for it


def dropped(count: int) -> str:
    """How many deliveries a webhook does not get any more, in words; empty for none."""
    return f"{said(count, 'alert')} not sent, because too many wait" if count else ""


def standing(state: ChannelState, fault: str, clients: int | None, receivers: int | None) -> str:
    """How a channel stands, in words: for the command line and doctor."""
    match state:
        case ChannelState.FAILED:
            return fault
        case ChannelState.NO_LISTENER:
            return "nobody listens"
        case ChannelState.NOT_DECLARED:
            return "none declared"
        case ChannelState.ABSENT:
            return "this machine has nothing for it"
    if receivers is not None:
        return f"{receivers} receiver{'' if receivers == 1 else 's'}"
    return "open" if clients is None else f"{clients} listening"
