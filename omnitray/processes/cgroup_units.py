r"""What the path of a cgroup says about who is in it.

Desktops start each application in a unit of its own, named by the XDG convention for systemd
(systemd.io/DESKTOP_ENVIRONMENTS): ``app[-<launcher>]-<id>-<random>.scope`` or
``app[-<launcher>]-<id>[@<random>].service``, with ``\x2d`` for a dash in a name. Snap and flatpak
have their own: ``snap.<package>.<app>-<uuid>.scope``, ``app-flatpak-<id>-<number>.scope``.
"""

import enum
import functools
import re

import msgspec

from omnitray.processes.known_programs import APPLICATIONS

_LAUNCHERS = ("gnome", "flatpak", "KDE", "kde", "plasma", "dbus", "gtk", "uwsm", "xfce", "hypr")
_ESCAPE = re.compile(r"\\x([0-9a-f]{2})")
_APP_SCOPE = re.compile(r"^app-(?P<id>.+)-(?P<random>[0-9a-f]+)\.scope$")
_APP_SERVICE = re.compile(r"^app-(?P<id>[^@]+)(?:@[^@]*)?\.service$")
_SNAP = re.compile(r"^snap\.(?P<package>[^.]+)\.(?P<app>[^-]+(?:-(?![0-9a-f]{8}-)[^-]+)*)[-.]")
_CONTAINER = re.compile(r"^(?:docker|libpod|crio|cri-containerd)-[0-9a-f]{12,}\.scope$")
# Units that hold whatever happens to be started there: they say nothing.
_MIXED = re.compile(
    r"^(?:user@\d+\.service|session-\w+\.scope|init\.scope|run-\w+\.(?:scope|service)|"
    r"vte-spawn-.*|tmux-spawn-.*|tab\(\d+\)\.scope|omnitray-.*|.*\.slice)$"
)
_TERMINAL_IDS = (
    *("terminal", "konsole", "console", "ptyxis", "alacritty", "kitty", "foot", "wezterm"),
    *("xterm", "tilix", "terminator", "yakuake", "guake", "tilda", "ghostty", "blackbox"),
    *("tmux", "zellij", "warp"),
)


class UnitKind(enum.Enum):
    """Who is in a unit."""

    APP = "app"
    TERMINAL = "terminal"  # an application that holds what a person starts in it
    SERVICE = "service"  # of the person
    SYSTEM = "system"  # of the machine
    MIXED = "mixed"  # holds processes of any origin


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """A unit; ``name`` is readable, empty for mixed ones."""

    kind: UnitKind
    name: str = ""


_NOTHING = Unit(kind=UnitKind.MIXED)


@functools.lru_cache(maxsize=1024)
def unit_of(cgroup: str | None) -> Unit:
    """What the last part of a path that is a unit says."""
    parts = [part for part in (cgroup or "").split("/") if part]
    while parts and not parts[-1].endswith((".scope", ".service", ".slice")):
        parts.pop()  # what a unit divides itself into
    if not parts or _MIXED.match(parts[-1]):
        return _NOTHING
    return _unit(parts[-1], system="user.slice" not in parts)


def _unit(last: str, *, system: bool) -> Unit:
    if found := _SNAP.match(last):
        return _app(_unescape(found["package"]))
    if found := _APP_SCOPE.match(last) or _APP_SERVICE.match(last):
        return _app(_without_launcher(found["id"]))
    if _CONTAINER.match(last):
        return Unit(kind=UnitKind.SERVICE)
    stem = _unescape(last.rpartition(".")[0]).partition("@")[0]
    if stem.endswith("gnome-terminal-server"):
        return Unit(kind=UnitKind.TERMINAL, name="GNOME Terminal")
    if last.endswith(".service"):
        return Unit(kind=UnitKind.SYSTEM if system else UnitKind.SERVICE, name=stem)
    return _NOTHING


def _app(identifier: str) -> Unit:
    words = identifier.lower()
    terminal = any(word in words for word in _TERMINAL_IDS)
    return Unit(kind=UnitKind.TERMINAL if terminal else UnitKind.APP, name=identifier)


def _without_launcher(escaped: str) -> str:
    launcher, dash, rest = escaped.partition("-")
    return _unescape(rest if dash and launcher in _LAUNCHERS else escaped)


def _unescape(text: str) -> str:
    plain = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
    return plain if plain.isprintable() else text


def readable_name(app: str) -> str:
    """``org.mozilla.firefox`` → Firefox, ``org.kde.kcalc`` → Kcalc."""
    last = app.removesuffix(".desktop").rpartition(".")[2]
    for candidate in (app, last, last.lower()):
        if candidate in APPLICATIONS:
            return APPLICATIONS[candidate]
    words = last.replace("-", " ").replace("_", " ").strip()
    return words[:1].upper() + words[1:]
