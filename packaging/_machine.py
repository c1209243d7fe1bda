"""What the system must have, and getting it: through apt where that may be done, else by saying.

A need is found missing by asking the loader, the PATH or the file system, never by asking the
package manager alone: what was installed by other means counts.
"""

import ctypes
import glob
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from _say import Problem, say


class Kind(Enum):
    """How a need is looked for."""

    LIBRARY = "library"
    COMMAND = "command"
    FILE = "file"
    MODULE = "module"


@dataclass(frozen=True)
class Need:
    """One thing the system must have, and Debian's package for it."""

    kind: Kind
    name: str
    package: str


def _of(kind: Kind, *pairs: tuple[str, str]) -> tuple[Need, ...]:
    return tuple(Need(kind, name, package) for name, package in pairs)


CORE = _of(Kind.LIBRARY, ("libglib-2.0.so.0", "libglib2.0-0"), ("libz.so.1", "zlib1g"))

# What Qt's own libraries and its xcb plugin are linked against, as ldd lists them.
SCREEN = CORE + _of(
    Kind.LIBRARY,
    ("libEGL.so.1", "libegl1"),
    ("libGL.so.1", "libgl1"),
    ("libX11.so.6", "libx11-6"),
    ("libX11-xcb.so.1", "libx11-xcb1"),
    ("libdbus-1.so.3", "libdbus-1-3"),
    ("libfontconfig.so.1", "libfontconfig1"),
    ("libfreetype.so.6", "libfreetype6"),
    ("libxkbcommon.so.0", "libxkbcommon0"),
    ("libxkbcommon-x11.so.0", "libxkbcommon-x11-0"),
    ("libxcb-cursor.so.0", "libxcb-cursor0"),
    ("libxcb-icccm.so.4", "libxcb-icccm4"),
    ("libxcb-image.so.0", "libxcb-image0"),
    ("libxcb-keysyms.so.1", "libxcb-keysyms1"),
    ("libxcb-randr.so.0", "libxcb-randr0"),
    ("libxcb-render-util.so.0", "libxcb-render-util0"),
    ("libxcb-shape.so.0", "libxcb-shape0"),
    ("libxcb-sync.so.1", "libxcb-sync1"),
    ("libxcb-util.so.1", "libxcb-util1"),
    ("libxcb-xfixes.so.0", "libxcb-xfixes0"),
    ("libxcb-xkb.so.1", "libxcb-xkb1"),
)

FONTS = _of(Kind.FILE, ("/usr/share/fonts/**/*.ttf", "fonts-dejavu-core"))

DESKTOP = (
    SCREEN
    + FONTS
    + _of(
        Kind.COMMAND,
        ("Xvfb", "xvfb"),
        ("dbus-daemon", "dbus-daemon"),
        ("dbus-send", "dbus-bin"),
        ("dunst", "dunst"),
        ("gnome-keyring-daemon", "gnome-keyring"),
        ("openbox", "openbox"),
        ("trayer", "trayer"),
        ("xdotool", "xdotool"),
        ("xfce4-panel", "xfce4-panel"),
        ("xsetroot", "x11-xserver-utils"),
        ("xwininfo", "x11-utils"),
        ("import", "imagemagick"),
        ("xauth", "xauth"),
        ("sway", "sway"),
        ("foot", "foot"),
        ("journalctl", "systemd"),
        ("node", "nodejs"),
        ("curl", "curl"),  # the examples of the documents
        ("jq", "jq"),
        ("openssl", "openssl"),
        ("redis-server", "redis-server"),
    )
    + _of(
        Kind.FILE,
        ("/usr/lib/*/xfce4/notifyd/xfce4-notifyd", "xfce4-notifyd"),
        ("/usr/bin/python3", "python3-minimal"),  # one that other users may run
        ("/lib/systemd/systemd-journal-remote", "systemd-journal-remote"),
        ("/usr/lib*/at-spi*bus-launcher", "at-spi2-core"),
    )
)

# For the editor extension's test in a real editor: a browser, and what the editor's modules need.
BROWSER = _of(Kind.COMMAND, ("chromium", "chromium"))
EDITOR = _of(
    Kind.COMMAND, ("chromium", "chromium"), ("pkg-config", "pkg-config"), ("g++", "g++")
) + _of(
    Kind.FILE,
    ("/usr/include/gssapi.h", "libkrb5-dev"),
    ("/usr/include/libsecret-1/libsecret/secret.h", "libsecret-1-dev"),
    ("/usr/include/X11/extensions/XKBfile.h", "libxkbfile-dev"),
)

# For the test of a fleet: the package of Prometheus brings promtool along.
FLEET = _of(
    Kind.COMMAND,
    ("prometheus", "prometheus"),
    ("promtool", "prometheus"),
    ("prometheus-alertmanager", "prometheus-alertmanager"),
)

ROOM = _of(  # real programs for the rooms (tests/room); what is missing leaves its room out
    Kind.COMMAND,
    ("tmux", "tmux"),
    ("chromium", "chromium"),
    ("gcc", "gcc"),
    ("make", "make"),
    ("npm", "npm"),
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("redis-server", "redis-server"),
    ("redis-benchmark", "redis-tools"),
    ("psql", "postgresql"),
    ("bwrap", "bubblewrap"),
    ("xterm", "xterm"),
    ("Xvfb", "xvfb"),
    ("openbox", "openbox"),
)

VENV = _of(
    Kind.MODULE,
    ("venv", f"python3.{sys.version_info.minor}-venv"),
    ("ensurepip", f"python3.{sys.version_info.minor}-venv"),
)


def ensure(needs: Iterable[Need]) -> None:
    """Install what is missing, or raise a Problem that names it and the command."""
    lacking = missing(needs)
    if not lacking or sys.platform != "linux":
        return
    names = ", ".join(need.name for need in lacking)
    packages = sorted({need.package for need in lacking})
    rights = _rights() if shutil.which("apt-get") else None
    if rights is not None:
        say(f"Installing what the system lacks: {' '.join(packages)}")
        _install(rights, packages)
        importlib.invalidate_caches()
        lacking = missing(needs)
    if lacking:
        raise Problem(f"The system lacks {names}.", _command(lacking, packages))


def missing(needs: Iterable[Need]) -> list[Need]:
    """Those of ``needs`` that are not here."""
    return [need for need in needs if not _is_here(need)]


def _is_here(need: Need) -> bool:
    if need.kind is Kind.COMMAND:
        return shutil.which(need.name) is not None
    if need.kind is Kind.FILE:
        return bool(glob.glob(need.name, recursive=True))  # noqa: PTH207 - an absolute pattern
    if need.kind is Kind.MODULE:
        return importlib.util.find_spec(need.name) is not None
    return _can_load(need.name)


def _can_load(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def _rights() -> list[str] | None:
    """What to put before apt-get, None where it may not be run."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    asked = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
    return ["sudo", "-n"] if asked.returncode == 0 else None


def _install(rights: list[str], packages: list[str]) -> None:
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "Dpkg::Use-Pty=0"]
    install = [*rights, *quiet, "install", "-y", "--no-install-recommends", *packages]
    # Lists may be absent or old: update only when the first try fails.
    for command in (install, [*rights, *quiet, "update"], install):
        done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
        if command is install and done.returncode == 0:
            return


def _command(lacking: list[Need], packages: list[str]) -> str:
    if shutil.which("dnf"):  # names of libraries are names of capabilities there
        wanted = " ".join(f"'{_capability(need)}'" for need in lacking)
        return f"sudo dnf install -y {wanted}"
    return f"sudo apt-get install -y {' '.join(packages)}"


def _capability(need: Need) -> str:
    return f"{need.name}()(64bit)" if need.kind is Kind.LIBRARY else need.package
