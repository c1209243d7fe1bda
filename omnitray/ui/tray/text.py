"""The tray's words: pure functions from the state to one-line texts.

A tooltip is markup for some tray hosts and a menu entry has mnemonics, so what came from outside
(titles of alerts, names of jobs) is made plain here.
"""

from omnitray.alerts.channels.notification import printable
from omnitray.api.status import Status, figures, sentence

_LINE_LIMIT = 70
_MENU_LIMIT = 44  # a menu is as wide as its longest entry
_ANGLES = str.maketrans("<>", "\u2039\u203a")


def headline(status: Status) -> str:
    """The state in a sentence, short enough for a menu."""
    return printable(sentence(status).headline, _LINE_LIMIT)


def menu_headline(status: Status) -> str:
    """The same for an entry of the menu, whose width must not follow the names of jobs."""
    return printable(sentence(status).headline, _MENU_LIMIT)


def tooltip(status: Status) -> str:
    """Two lines that no tray host takes for markup."""
    return f"{headline(status)}\n{figures(status)}".translate(_ANGLES)


def menu_text(text: str) -> str:
    """A text for a menu entry: an ampersand is an ampersand, not a mnemonic."""
    return text.replace("&", "&&")
