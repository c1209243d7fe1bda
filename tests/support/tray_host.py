"""A StatusNotifierWatcher and host for tests: sees the icons, reads and clicks their menus.

It speaks the real protocol (``org.kde.StatusNotifierItem``, ``com.canonical.dbusmenu``), so that
a test does with the icon exactly what a panel does for a person.
"""

from typing import Any

import msgspec

from support.dbus_service import Caller, DBusService, Result

WATCHER = "org.kde.StatusNotifierWatcher"
WATCHER_PATH = "/StatusNotifierWatcher"
ITEM = "org.kde.StatusNotifierItem"
MENU = "com.canonical.dbusmenu"
_PROPERTIES = "org.freedesktop.DBus.Properties"


class MenuEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of a tray menu as a panel sees it."""

    number: int
    label: str
    enabled: bool
    checked: bool | None
    separator: bool
    visible: bool
    children: tuple["MenuEntry", ...]


class TrayWatcher(DBusService):
    """The watcher and, unless ``hosted`` is false, a host."""

    def __init__(self, address: str, *, hosted: bool = True) -> None:
        super().__init__(address, WATCHER)
        self.hosted = hosted
        self.registered: list[str] = []

    def handle(self, sender: str, interface: str, member: str, body: tuple[Any, ...]) -> Result:
        """What items and hosts ask of a watcher."""
        if interface in (WATCHER, "") and member == "RegisterStatusNotifierItem":
            self._register(sender, body[0])
            return None, ()
        if interface in (WATCHER, "") and member == "RegisterStatusNotifierHost":
            return None, ()
        if interface == _PROPERTIES and member == "Get":
            return "v", (self._properties()[body[1]],)
        if interface == _PROPERTIES and member == "GetAll":
            return "a{sv}", (self._properties(),)
        raise LookupError

    def show_host(self) -> None:
        """A host registers with the watcher."""
        self.hosted = True
        self.emit(WATCHER_PATH, WATCHER, "StatusNotifierHostRegistered", None)

    def die(self) -> None:
        """Leave the bus; the items have to register anew."""
        super().die()
        self.registered.clear()

    def _register(self, sender: str, service: str) -> None:
        item = f"{sender}{service}" if service.startswith("/") else f"{service}/StatusNotifierItem"
        if item not in self.registered:
            self.registered.append(item)
        self.emit(WATCHER_PATH, WATCHER, "StatusNotifierItemRegistered", "s", item)

    def _properties(self) -> dict[str, tuple[str, Any]]:
        return {
            "IsStatusNotifierHostRegistered": ("b", self.hosted),
            "ProtocolVersion": ("i", 0),
            "RegisteredStatusNotifierItems": ("as", list(self.registered)),
        }


class TrayItem:
    """One icon in the tray, and what a person can do with it."""

    def __init__(self, caller: Caller, item: str) -> None:
        self._caller = caller
        self.service, _slash, path = item.partition("/")
        self._path = f"/{path}"

    def alive(self) -> bool:
        """Whether the program that registered it is still there."""
        return self._caller.owner(self.service) is not None

    def get(self, name: str) -> Any:
        """A property of the item: ``Title``, ``ToolTip``, ``Status``…"""
        return self._caller.get(self.service, self._path, ITEM, name)

    @property
    def tooltip(self) -> str:
        """What a person reads when the pointer rests on the icon."""
        return str(self.get("ToolTip")[2])

    def pixmaps(self) -> dict[int, bytes]:
        """The drawings by their size in pixels: ARGB in network byte order."""
        return {width: bytes(data) for width, _height, data in self.get("IconPixmap")}

    def activate(self) -> None:
        """A left click."""
        self._caller.call(self.service, self._path, ITEM, "Activate", "ii", 0, 0)

    def open_menu(self) -> MenuEntry:
        """The menu's root after a panel has announced that it is about to show it."""
        self._menu_call("AboutToShow", "i", 0)
        _revision, layout = self._menu_call("GetLayout", "iias", 0, -1, [])
        return _entry(layout)

    def entry(self, *labels: str) -> MenuEntry:
        """The entry under these labels: ``entry("Mode", "test")``; LookupError if there is none."""
        found = self.open_menu()
        for label in labels:
            found = next(each for each in found.children if each.label == label)
        return found

    def choose(self, *labels: str) -> None:
        """Click the entry under these labels."""
        self._menu_call("Event", "isvu", self.entry(*labels).number, "clicked", ("s", ""), 0)

    def _menu_call(self, member: str, signature: str, *body: Any) -> tuple[Any, ...]:
        path = self.get("Menu")
        return self._caller.call(self.service, path, MENU, member, signature, *body)


def _entry(layout: tuple[int, dict[str, tuple[str, Any]], list[tuple[str, Any]]]) -> MenuEntry:
    number, properties, children = layout
    values = {name: value for name, (_type, value) in properties.items()}
    toggle = values.get("toggle-state", -1) if values.get("toggle-type") else -1
    return MenuEntry(
        number=number,
        label=str(values.get("label", "")).replace("__", "\0").replace("_", "").replace("\0", "_"),
        enabled=bool(values.get("enabled", True)),
        checked=None if toggle < 0 else bool(toggle),
        separator=values.get("type") == "separator",
        visible=bool(values.get("visible", True)),
        children=tuple(_entry(child) for _type, child in children),
    )
