"""Where Linux tells whose window is active: sway's socket, or the X display; else nowhere.

On other Wayland desktops the X display still tells of programs that run on it (XWayland); the
windows of all others are the compositor's secret, and no process counts as in front.
"""

import os
import socket
from collections.abc import Mapping
from pathlib import Path

from omnitray.base.process_environment import home
from omnitray.platforms.linux.sway import SwayWindow
from omnitray.platforms.linux.x11 import ActiveWindow, connected, cookie_for, socket_path
from omnitray.protector.exclusions.foreground import Foreground, NoForeground


def foreground(environment: Mapping[str, str] = os.environ) -> Foreground:
    """What tells; one for each thread that asks."""
    if path := environment.get("SWAYSOCK"):
        return SwayWindow(Path(path))
    display = environment.get("DISPLAY", "")
    place = socket_path(display)
    if place is None:
        return NoForeground()
    host, number = socket.gethostname(), place.name.removeprefix("X")
    cookies = Path(environment.get("XAUTHORITY") or home() / ".Xauthority")
    return ActiveWindow(lambda: connected(place), lambda: cookie_for(cookies, host, number), host)


def foreground_known(environment: Mapping[str, str] = os.environ) -> tuple[str, str]:
    """What can be known of the active window, and what keeps us from the rest; for people."""
    if environment.get("SWAYSOCK"):
        return "sway tells whose window is active", ""
    display, wayland = environment.get("DISPLAY", ""), environment.get("WAYLAND_DISPLAY")
    if not display and not wayland:
        return "there is no display, and nothing is in front", ""
    if socket_path(display) is None:
        return "", "this display does not tell whose window is active"
    if wayland:
        return "", "this Wayland desktop tells whose window is active for X programs only"
    return "the X display tells whose window is active", ""
