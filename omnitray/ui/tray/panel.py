"""What the icon stands on: a light panel or a dark one.

The window's colour scheme does not say it: GNOME's bar is dark in the light scheme, MATE's is
light in both of its default themes. So the person's word counts first; then, on X11, the panel
itself is looked at (what the window manager keeps free of windows is the panel's); and where no
pixel can be had, it is what the desktop draws by default.
"""

from PySide6.QtCore import QRect
from PySide6.QtGui import QGuiApplication, QImage, QScreen

from omnitray.settings.model import Shade
from omnitray.ui.tray.icon import Panel

# Panels that follow the colour scheme; those of GNOME, Xfce (since 4.16), Cinnamon, Budgie and
# waybar are dark by default in either scheme.
_FOLLOWING = frozenset({"KDE", "LXQt", "MATE", "windows", "cocoa"})
# The relative luminance whose contrast to black and to white is the same (WCAG 2):
# sqrt(1.05 * 0.05) - 0.05.
_MIDDLE = 0.179
_SAMPLES = 64  # a column or row of the panel each; the median is the panel's ground


def panel_of(
    choice: Shade, *, light_scheme: bool, desktop: str, measured: Panel | None = None
) -> Panel:
    """The panel, given the setting, ``XDG_CURRENT_DESKTOP`` and what was seen of it."""
    if choice != "auto":
        return Panel(choice)
    if measured is not None:
        return measured
    follows = not _FOLLOWING.isdisjoint(desktop.split(":"))
    return Panel.LIGHT if light_scheme and follows else Panel.DARK


def seen_panel(screen: QScreen | None) -> Panel | None:
    """The panel as it is drawn; None where programs may not look (Wayland) or none is there.

    A screenshot of the strips costs 1 to 3 ms: ask when something has changed, not at each tick.
    """
    if screen is None or QGuiApplication.platformName() != "xcb":
        return None
    strips = reserved(screen.geometry(), screen.availableGeometry())
    origin = screen.geometry().topLeft()
    found: list[float] = []
    for strip in strips:
        at = strip.translated(-origin)
        shot = screen.grabWindow(0, at.x(), at.y(), at.width(), at.height())
        found += luminances(shot.toImage())
    if not found:
        return None
    return Panel.LIGHT if sorted(found)[len(found) // 2] > _MIDDLE else Panel.DARK


def reserved(whole: QRect, free: QRect) -> list[QRect]:
    """The strips of the screen that windows are kept out of."""
    strips = [
        QRect(whole.left(), whole.top(), whole.width(), free.top() - whole.top()),
        QRect(whole.left(), free.bottom() + 1, whole.width(), whole.bottom() - free.bottom()),
        QRect(whole.left(), free.top(), free.left() - whole.left(), free.height()),
        QRect(free.right() + 1, free.top(), whole.right() - free.right(), free.height()),
    ]
    return [each for each in strips if each.width() > 0 and each.height() > 0]


def luminances(image: QImage) -> list[float]:
    """Relative luminance of evenly spaced pixels."""
    if image.isNull():
        return []
    steps = range(_SAMPLES)
    points = [
        (x * image.width() // _SAMPLES, y * image.height() // 4) for x in steps for y in range(4)
    ]
    return [_luminance(image.pixel(x, y)) for x, y in points]


def _luminance(rgb: int) -> float:
    red, green, blue = (_linear((rgb >> shift & 0xFF) / 255) for shift in (16, 8, 0))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(share: float) -> float:
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4  # noqa: PLR2004
