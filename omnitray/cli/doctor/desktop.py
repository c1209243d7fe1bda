"""The doctor's look at the desktop: screen, tray host, notifications. D-Bus, no Qt."""

from collections.abc import Iterator, Mapping
from typing import Any

from omnitray.base.dbus import BusError, BusObject, BusReply, SessionBus, connect
from omnitray.cli.doctor.report import Finding, ok, warn

ANSWER_S = 1.5
WATCHER = ("org.kde.StatusNotifierWatcher", "/StatusNotifierWatcher")
PROPERTIES = "org.freedesktop.DBus.Properties"
NOTIFICATIONS = ("org.freedesktop.Notifications", "/org/freedesktop/Notifications")
WANTED = {
    "actions": "no buttons on notifications",
    "body": "notifications show titles only",
}
_HOSTED = "IsStatusNotifierHostRegistered"


def display(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Whether there is a screen, and of which kind."""
    wayland, x11 = environ.get("WAYLAND_DISPLAY"), environ.get("DISPLAY")
    if wayland:
        yield ok("display", f"Wayland {wayland}" + (f", X11 {x11}" if x11 else ""))
    elif x11:
        yield ok("display", f"X11 {x11}")
    else:
        yield warn("display", "no screen; OmniTray runs headless", "log in to a desktop")


def session(environ: Mapping[str, str]) -> Iterator[Finding]:
    """What the session bus offers: a tray, notifications."""
    try:
        bus = connect()
    except (BusError, ImportError) as error:
        yield warn("session bus", f"{error}", "no notifications; start a desktop session")
        return
    try:
        yield tray(bus, environ)
        yield from notifications(bus)
    finally:
        bus.close()


def tray(bus: SessionBus, environ: Mapping[str, str]) -> Finding:
    """Who shows tray icons: a StatusNotifier host, an XEmbed one, or nobody."""
    answer = ask(bus, *WATCHER, PROPERTIES, "Get", "ss", (WATCHER[0], _HOSTED))
    found = _first(answer, tuple[str, bool])
    if found is not None:
        if found[1]:
            return ok("tray", "StatusNotifier host")
        return warn("tray", "a StatusNotifier watcher without a host", "enable the panel's tray")
    owner = _xembed_owner(environ.get("DISPLAY"))
    if owner:
        return ok("tray", "XEmbed host (tooltips, no StatusNotifier menu)")
    remedy = "add a tray to the panel (GNOME: the AppIndicator extension)"
    return warn("tray", "nobody shows tray icons; the window opens instead", remedy)


def notifications(bus: SessionBus) -> Iterator[Finding]:
    """The notification daemon: its name and what it can do."""
    told = ask(bus, *NOTIFICATIONS, NOTIFICATIONS[0], "GetServerInformation")
    if told is None or told.error is not None:
        why = "does not answer" if told is None else told.explanation
        yield warn("notifications", f"no daemon: {why}", "install dunst or a desktop's own")
        return
    name, vendor, version = (*(str(part) for part in told.body[:3]), "?", "?", "?")[:3]
    asked = ask(bus, *NOTIFICATIONS, NOTIFICATIONS[0], "GetCapabilities")
    able = _first(asked, list[str]) or []
    yield ok("notifications", f"{name} {version} ({vendor}): {', '.join(sorted(able))}")
    for capability, missing in WANTED.items():
        if capability not in able:
            yield warn("notifications", missing, f"a daemon with '{capability}' shows more")


def ask(
    bus: SessionBus,
    destination: str,
    path: str,
    interface: str,
    member: str,
    signature: str | None = None,
    body: tuple[Any, ...] = (),
) -> BusReply | None:
    """Call and wait for the answer; None when none comes in time."""
    try:
        return bus.ask(BusObject(destination, path, interface), member, signature, body, ANSWER_S)
    except BusError:
        return None


def _first(answer: BusReply | None, kind: Any) -> Any:
    """The answer's first value; None where there is none of that type."""
    try:
        return None if answer is None else answer.holding(kind)[0]
    except BusError:
        return None


def _xembed_owner(screen: str | None) -> int:
    """The window that holds the X11 tray selection (System Tray Protocol 0.3); 0 for none."""
    import ctypes.util  # noqa: PLC0415 - only where there is no StatusNotifier

    library = ctypes.util.find_library("X11") if screen else None
    if library is None or screen is None:
        return 0
    x11 = ctypes.CDLL(library)
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XInternAtom.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int)
    x11.XInternAtom.restype = ctypes.c_ulong
    x11.XGetSelectionOwner.argtypes = (ctypes.c_void_p, ctypes.c_ulong)
    x11.XGetSelectionOwner.restype = ctypes.c_ulong
    x11.XCloseDisplay.argtypes = (ctypes.c_void_p,)
    opened = x11.XOpenDisplay(screen.encode())
    if not opened:
        return 0
    try:
        atom = x11.XInternAtom(opened, b"_NET_SYSTEM_TRAY_S0", 0)
        return int(x11.XGetSelectionOwner(opened, atom))
    finally:
        x11.XCloseDisplay(opened)
