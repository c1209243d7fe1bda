"""Real notification services: dunst, and Xfce's."""

import enum
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
_NOTIFYD_CONFIG = """<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-notifyd" version="1.0">
  <property name="notify-location" type="uint" value="{corner}"/>
  <property name="initial-opacity" type="double" value="1.0"/>
</channel>
"""


class Corner(enum.IntEnum):
    """Where Xfce's daemon shows notifications (``GtkCornerType``)."""

    TOP_RIGHT = 2
    BOTTOM_RIGHT = 3


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


def start_xfce_notifyd(desktop: Desktop, corner: Corner = Corner.TOP_RIGHT) -> Program:
    """Xfce's notification daemon: buttons, but no default action."""
    offer_xfconf(desktop)
    folder = desktop.home / ".config/xfce4/xfconf/xfce-perchannel-xml"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "xfce4-notifyd.xml").write_text(_NOTIFYD_CONFIG.format(corner=corner))
    return desktop.launch(tool("xfce4-notifyd", *library("xfce4/notifyd/xfce4-notifyd")))
