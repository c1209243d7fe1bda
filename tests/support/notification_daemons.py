"""Real notification services: dunst, and Xfce's."""

import json

from support.desktop import Desktop, Program, library, offer_xfconf, tool

_DUNST_CONFIG = """[global]
    monitor = 0
    width = 400
    origin = top-right
    offset = 10x10
    font = DejaVu Sans 10
    markup = full
    format = "<b>%s</b>\\n%b"
    show_indicators = yes
    history_length = 50
    mouse_left_click = do_action, close_current
    mouse_right_click = close_current
[urgency_low]
    timeout = 2
[urgency_normal]
    timeout = 20
[urgency_critical]
    background = "#7a1020"
    foreground = "#ffffff"
    timeout = 0
"""


def start_dunst(desktop: Desktop) -> Program:
    """The notification daemon dunst, with a configuration of its own."""
    config = desktop.folder / "dunstrc"
    config.write_text(_DUNST_CONFIG)
    return desktop.launch(tool("dunst"), "-config", str(config))


def dunst_count(desktop: Desktop) -> int | None:
    """How many notifications dunst displays now; None when it does not say."""
    text = desktop.output_of(tool("dunstctl"), "count", "displayed").strip()
    return int(text) if text.isdigit() else None


def dunst_history(desktop: Desktop) -> list[dict[str, object]]:
    """What dunst has shown, the newest first, with ``summary`` and ``body``; closes all."""
    desktop.output_of(tool("dunstctl"), "close-all")
    entries = json.loads(desktop.output_of(tool("dunstctl"), "history"))["data"][0]
    return [{name: value["data"] for name, value in each.items()} for each in entries]


def start_xfce_notifyd(desktop: Desktop) -> Program:
    """Xfce's notification daemon: buttons, but no default action."""
    offer_xfconf(desktop)
    return desktop.launch(tool("xfce4-notifyd", *library("xfce4/notifyd/xfce4-notifyd")))
