"""What is on a desktop, in the words of a screen reader; buttons are pressed by a real click.

Asks the accessibility bus (AT-SPI 2), to which Qt's windows and GTK's notifications both speak.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple, Self

from jeepney import DBusAddress, new_method_call  # type: ignore[import-untyped]
from jeepney.io.blocking import DBusConnection, open_dbus_connection  # type: ignore[import-untyped]
from jeepney.wrappers import DBusErrorResponse, unwrap_msg  # type: ignore[import-untyped]

from support.desktop import Desktop, library, tool, wait_until

_ACCESSIBLE = "org.a11y.atspi.Accessible"
_COMPONENT = "org.a11y.atspi.Component"
_PROPERTIES = "org.freedesktop.DBus.Properties"
_PROGRAMS = ("org.a11y.atspi.Registry", "/org/a11y/atspi/accessible/root")
_OF_THE_SCREEN = 0  # ATSPI_COORD_TYPE_SCREEN
_SHOWING = 1 << 25  # ATSPI_STATE_SHOWING, in the first of two words
_WAIT_S = 5.0
_SEEN_WITHIN_S = 40.0

Thing = tuple[str, str]  # a program on the bus, an object of it


def offer_accessibility(desktop: Desktop) -> None:
    """Let the bus of accessibility start when somebody asks; to be called before the programs."""
    name = "at-spi-bus-launcher"
    launcher = tool(name, f"/usr/libexec/{name}", *library(name))
    desktop.offer_service("org.a11y.Bus", launcher)
    desktop.environment["QT_LINUX_ACCESSIBILITY_ALWAYS_ON"] = "1"


class Spot(NamedTuple):
    """Where something is on the screen, in pixels."""

    x: int
    y: int
    width: int
    height: int


class Accessible:
    """What is shown on a desktop; used as a context manager."""

    def __init__(self, desktop: Desktop) -> None:
        self._desktop = desktop

    def __enter__(self) -> Self:
        session = open_dbus_connection(bus=self._desktop.bus_address)
        try:
            asked = DBusAddress("/org/a11y/bus", "org.a11y.Bus", "org.a11y.Bus")
            (address,) = _answer(session, asked, "GetAddress")
        finally:
            session.close()
        self._bus = open_dbus_connection(bus=address.partition(",")[0])
        return self

    def __exit__(self, *_: object) -> None:
        self._bus.close()

    def names(self, within: str = "") -> list[str]:
        """Everything that is shown and has a name, in the programs called so."""
        return [name for name, _ in self._shown(within)]

    def wait_for(self, name: str, within: str = "") -> Spot:
        """Where the first thing is whose name begins so; fails the test when it does not come."""
        return wait_until(
            lambda: self._spot(name, within), f"{name!r} is shown", timeout_s=_SEEN_WITHIN_S
        )

    def wait_without(self, name: str, within: str = "") -> None:
        """Until nothing whose name begins so is shown."""
        wait_until(lambda: not self._spot(name, within), f"{name!r} goes", timeout_s=_SEEN_WITHIN_S)

    def point_at(self, name: str, within: str = "", *then: str) -> None:
        """Move the pointer to its middle."""
        spot = self.wait_for(name, within)
        middle = str(spot.x + spot.width // 2), str(spot.y + spot.height // 2)
        self._desktop.output_of(tool("xdotool"), "mousemove", *middle, *then)

    def press(self, name: str, within: str = "") -> None:
        """A real click of the left button in its middle."""
        self.point_at(name, within, "click", "1")

    def _spot(self, name: str, within: str) -> Spot | None:
        things = (thing for shown, thing in self._shown(within) if shown.startswith(name))
        return next((spot for thing in things if (spot := self._extents(thing))), None)

    def _shown(self, within: str) -> Iterator[tuple[str, Thing]]:
        for program in self._children(_PROGRAMS):
            if within in self._name(program):
                for window in self._children(program):
                    yield from self._below(window)

    def _below(self, thing: Thing) -> Iterator[tuple[str, Thing]]:
        """What is not shown has nothing in it that is."""
        if not self._is_shown(thing):
            return
        if name := self._name(thing):
            yield name, thing
        for child in self._children(thing):
            yield from self._below(child)

    def _children(self, thing: Thing) -> list[Thing]:
        answer = self._of(thing, _ACCESSIBLE, "GetChildren")
        return list(answer[0]) if answer else []

    def _is_shown(self, thing: Thing) -> bool:
        answer = self._of(thing, _ACCESSIBLE, "GetState")
        return bool(answer and answer[0] and answer[0][0] & _SHOWING)

    def _name(self, thing: Thing) -> str:
        answer = self._of(thing, _PROPERTIES, "Get", "ss", (_ACCESSIBLE, "Name"))
        return str(answer[0][1]) if answer else ""

    def _extents(self, thing: Thing) -> Spot | None:
        answer = self._of(thing, _COMPONENT, "GetExtents", "u", (_OF_THE_SCREEN,))
        return Spot(*answer[0]) if answer else None

    def _of(self, thing: Thing, interface: str, *call: Any) -> tuple[Any, ...] | None:
        """What it answers; None where it has gone meanwhile."""
        program, path = thing
        try:
            return _answer(self._bus, DBusAddress(path, program, interface), *call)
        except (DBusErrorResponse, TimeoutError):
            return None


def _answer(bus: DBusConnection, address: DBusAddress, *call: Any) -> tuple[Any, ...]:
    answer = bus.send_and_get_reply(new_method_call(address, *call), timeout=_WAIT_S)
    body: tuple[Any, ...] = unwrap_msg(answer)
    return body
