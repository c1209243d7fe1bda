"""How each desktop is started without a screen, photographed, and clicked on.

One class a desktop; :data:`DESKTOPS` lists them. The recipes run on Debian 12 and need the packages
that they name (``apt-get install --no-install-recommends``).
"""

import json
import shutil
import time
from pathlib import Path

from desktops.pointer import WaylandPointer
from desktops.session import Session

SIZE = (1280, 800)


def below_lib(path: str) -> str:
    """Where Debian has a program that is on no search path."""
    return str(next(Path("/usr/lib").glob(f"*/{path}"), path))


class DesktopUnderTest:
    """One desktop: what it needs, how it starts, and its hands and eyes."""

    name = ""
    title = ""
    packages: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    notifications: tuple[str, ...] = ()  # its own service: others may be installed beside it
    # Where "Show details" is in a notification, in parts of its width and height; None where no
    # buttons are drawn: then it is clicked on its words.
    details_button: tuple[float, float] | None = None
    as_nobody = False

    def __init__(self, folder: Path) -> None:
        self.session = Session(folder, self.name, as_nobody=self.as_nobody)
        if self.notifications:  # MATE's ends when it has nothing to show, and is started again
            self.session.offer("org.freedesktop.Notifications", self.notifications)

    def start(self) -> None:
        """Start it; returns when its panel takes icons."""
        raise NotImplementedError

    def shoot(self, target: Path) -> None:
        """A picture of the whole screen."""
        raise NotImplementedError

    def click(self, x: int, y: int, *, right: bool = False) -> None:
        """A real click."""
        raise NotImplementedError

    def active_title(self) -> str:
        """The title of the window in front; empty where nothing says it."""
        raise NotImplementedError

    def set_dark(self, dark: bool) -> bool:  # noqa: FBT001 - one value
        """Ask the desktop for dark or light; False where there is no such wish."""
        scheme = "prefer-dark" if dark else "default"
        key = ("org.gnome.desktop.interface", "color-scheme", scheme)
        return self.session.run("gsettings", "set", *key).returncode == 0

    def _await_watcher(self, limit_s: float = 40.0) -> None:
        watcher = "org.kde.StatusNotifierWatcher"
        self.session.wait(lambda: self.session.owns(watcher), "a tray", limit_s)

    def _await_notifications(self, limit_s: float = 40.0) -> None:
        """Until the desktop's own service shows them; it is started where it is a program."""
        name = "org.freedesktop.Notifications"
        if self.notifications:
            self.session.start(*self.notifications)
        self.session.wait(lambda: self.session.owns(name), "a notification service", limit_s)


class X11Desktop(DesktopUnderTest):
    """On Xvfb: xdotool clicks, ImageMagick photographs."""

    def shoot(self, target: Path) -> None:
        """By ``import``."""
        self.session.run("import", "-window", "root", str(target))

    def click(self, x: int, y: int, *, right: bool = False) -> None:
        """By the XTEST extension, as a mouse would."""
        self.session.run("xdotool", "mousemove", "--sync", str(x), str(y))
        self.session.run("xdotool", "click", "3" if right else "1")

    def active_title(self) -> str:
        """As the window manager says."""
        return self.session.run("xdotool", "getactivewindow", "getwindowname").stdout.strip()


class WaylandDesktop(DesktopUnderTest):
    """A compositor that takes a pointer from outside."""

    _pointer: WaylandPointer | None = None

    def click(self, x: int, y: int, *, right: bool = False) -> None:
        """By a pointer of our own, which stays: with its client the compositor takes it away."""
        if self._pointer is None:
            run = Path(self.session.environment["XDG_RUNTIME_DIR"])
            self._pointer = WaylandPointer(run / self.session.environment["WAYLAND_DISPLAY"], SIZE)
        self._pointer.click(x, y, right=right)


class Mate(X11Desktop):
    """MATE 1.26: its own panel, window manager and notification service."""

    name, title = "mate", "MATE 1.26 (X11)"
    packages = ("mate-panel", "marco", "mate-notification-daemon", "mate-indicator-applet")
    programs = ("marco", "mate-panel", "Xvfb", "xdotool", "import")
    notifications = ("/usr/lib/mate-notification-daemon/mate-notification-daemon",)
    details_button = (0.61, 0.77)

    def start(self) -> None:
        """Window manager, notifications, panel."""
        session = self.session
        session.environment |= {"XDG_CURRENT_DESKTOP": "MATE", "XDG_SESSION_TYPE": "x11"}
        session.start_display()
        session.start_buses()
        session.start("marco")
        self._await_notifications()
        session.start("mate-panel")
        self._await_watcher()


class Xfce(X11Desktop):
    """Xfce 4.18: its panel with the status tray, xfwm4 and xfce4-notifyd."""

    name, title = "xfce", "Xfce 4.18 (X11)"
    packages = ("xfce4-panel", "xfwm4", "xfce4-notifyd", "xfce4-settings")
    programs = ("xfwm4", "xfce4-panel", "Xvfb", "xdotool", "import")
    notifications = (below_lib("xfce4/notifyd/xfce4-notifyd"),)
    details_button = (0.3, 0.73)

    def start(self) -> None:
        """Settings, window manager, notifications, panel."""
        session = self.session
        session.environment |= {
            "XDG_CURRENT_DESKTOP": "XFCE",
            "XDG_SESSION_TYPE": "x11",
            "XFCE_PANEL_MIGRATE_DEFAULT": "1",
        }
        session.start_display()
        session.start_buses()
        session.start("xfsettingsd", "--no-daemon")
        session.start("xfwm4")
        self._await_notifications()
        session.start("xfce4-panel")
        self._await_watcher()


class PlasmaX11(X11Desktop):
    """Plasma 5.27 with kwin_x11."""

    name, title = "plasma-x11", "Plasma 5.27 (X11)"
    packages = ("plasma-workspace", "kwin-x11")
    details_button = (0.58, 0.85)
    programs = ("kwin_x11", "plasmashell", "/usr/bin/kded5", "Xvfb", "xdotool", "import")

    def start(self) -> None:
        """Window manager, the daemon with the watcher, the shell."""
        session = self.session
        session.environment |= plasma_environment("x11")
        session.environment["KWIN_COMPOSE"] = "N"
        session.write("baloofilerc", "[Basic Settings]\nIndexing-Enabled=false\n")
        session.start_display()
        session.start_buses(logind=True)
        session.start("kwin_x11")
        session.start("/usr/bin/kded5")
        session.start(below_lib("libexec/kactivitymanagerd"))
        time.sleep(2)
        session.start("plasmashell", "--no-respawn")
        self._await_watcher(90)
        self._await_notifications(90)

    def set_dark(self, dark: bool) -> bool:  # noqa: FBT001 - one value
        """By Plasma's own tool."""
        scheme = "BreezeDark" if dark else "BreezeLight"
        return self.session.run("plasma-apply-colorscheme", scheme).returncode == 0


class PlasmaWayland(WaylandDesktop):
    """Plasma 5.27 with ``kwin_wayland --virtual``."""

    name, title = "plasma-wayland", "Plasma 5.27 (Wayland)"
    packages = ("plasma-workspace", "kwin-wayland", "kde-spectacle", "python3-dbusmock")
    details_button = (0.58, 0.85)
    programs = ("/usr/bin/kwin_wayland", "plasmashell", "/usr/bin/kded5", "spectacle")

    def start(self) -> None:
        """The compositor starts the session."""
        session = self.session
        session.environment |= plasma_environment("wayland")
        session.environment |= {
            "KWIN_COMPOSE": "O2",
            "KWIN_SCREENSHOT_NO_PERMISSION_CHECKS": "1",
            "KWIN_WAYLAND_NO_PERMISSION_CHECKS": "1",
            "WAYLAND_DISPLAY": "wayland-omnitray",
        }
        session.start_buses(logind=True)
        # A copy: the original has a file capability that cannot be executed in a container.
        compositor = session.folder / "kwin_wayland"
        shutil.copyfile("/usr/bin/kwin_wayland", compositor)
        compositor.chmod(0o755)
        size = ("--width", "1280", "--height", "800")
        options = ("--virtual", *size, "--no-lockscreen", "--no-global-shortcuts")
        socket = session.environment["WAYLAND_DISPLAY"]
        session.start(str(compositor), *options, "--socket", socket)
        place = Path(session.environment["XDG_RUNTIME_DIR"]) / socket
        session.wait(place.exists, "the compositor", 40)
        session.start(below_lib("libexec/kactivitymanagerd"))
        session.start("/usr/bin/kded5")
        time.sleep(1)
        session.start("plasmashell", "--no-respawn")
        self._await_watcher(90)
        self._await_notifications(90)

    def shoot(self, target: Path) -> None:
        """By spectacle."""
        self.session.run("spectacle", "-b", "-n", "-f", "-o", str(target), limit_s=30)

    def active_title(self) -> str:
        """Nobody says it from outside."""
        return ""

    def set_dark(self, dark: bool) -> bool:  # noqa: FBT001 - one value
        """By Plasma's own tool."""
        scheme = "BreezeDark" if dark else "BreezeLight"
        return self.session.run("plasma-apply-colorscheme", scheme).returncode == 0


class Sway(WaylandDesktop):
    """sway 1.7 with waybar and mako."""

    name, title = "sway", "sway 1.7, waybar, mako (Wayland)"
    packages = ("sway", "waybar", "mako-notifier", "grim", "xdg-desktop-portal-gtk")
    programs = ("sway", "waybar", "mako", "grim", "swaymsg")
    as_nobody = True

    def start(self) -> None:
        """The compositor starts bar and notifications."""
        session = self.session
        session.environment |= {
            "WLR_BACKENDS": "headless",
            "WLR_RENDERER": "pixman",
            "WLR_LIBINPUT_NO_DEVICES": "1",
            "XDG_CURRENT_DESKTOP": "sway",
            "XDG_SESSION_TYPE": "wayland",
            "SWAYSOCK": f"{session.environment['XDG_RUNTIME_DIR']}/sway.sock",
        }
        session.write(
            "sway/config",
            "output HEADLESS-1 resolution 1280x800 bg #204060 solid_color\n"
            "exec waybar\nexec mako\n",
        )
        session.write(
            "waybar/config",
            '{"layer": "top", "position": "top", "height": 30,'
            ' "modules-left": ["sway/workspaces"], "modules-right": ["tray", "clock"],'
            ' "tray": {"icon-size": 18, "spacing": 10}}',
        )
        session.start_buses()
        session.start("sway")
        run = Path(session.environment["XDG_RUNTIME_DIR"])
        session.wait(lambda: list(run.glob("wayland-*.lock")), "the compositor")
        socket = next(run.glob("wayland-*.lock"))
        session.environment["WAYLAND_DISPLAY"] = socket.name.removesuffix(".lock")
        # As Debian's own configuration of sway does, so that portals find the display.
        known = ("WAYLAND_DISPLAY", "SWAYSOCK", "XDG_CURRENT_DESKTOP")
        session.run("dbus-update-activation-environment", *known)
        self._await_watcher()

    def shoot(self, target: Path) -> None:
        """By grim."""
        shot = self.session.folder / "shot.png"
        self.session.run("grim", str(shot))
        shutil.copyfile(shot, target)

    def active_title(self) -> str:
        """The focused node of sway's tree."""
        tree = self.session.run("swaymsg", "-t", "get_tree", "-r").stdout
        waiting = [json.loads(tree)] if tree else []
        while waiting:
            node = waiting.pop()
            if node.get("focused"):
                return str(node.get("name") or "")
            waiting += [*node.get("nodes", ()), *node.get("floating_nodes", ())]
        return ""


class Gnome(DesktopUnderTest):
    """GNOME Shell 43, headless, with the AppIndicator extension; its Eval opens menus."""

    name, title = "gnome", "GNOME Shell 43 with AppIndicator (Wayland)"
    packages = ("gnome-shell", "gjs", "gnome-shell-extension-appindicator", "python3-dbusmock")
    programs = ("gnome-shell", "/usr/bin/gjs", "gsettings", "gdbus")
    notifications = ("/usr/bin/gjs", "/usr/share/gnome-shell/org.gnome.Shell.Notifications")

    def start(self) -> None:
        """The shell itself, with what a test needs switched on."""
        session = self.session
        session.environment |= {
            "XDG_SESSION_TYPE": "wayland",
            "XDG_CURRENT_DESKTOP": "GNOME",
            "GNOME_SHELL_SESSION_MODE": "user",
        }
        session.start_buses(logind=True)
        for key, value in (
            ("org.gnome.shell enabled-extensions", "['ubuntu-appindicators@ubuntu.com']"),
            ("org.gnome.shell welcome-dialog-last-shown-version", "43.9"),
            ("org.gnome.desktop.interface enable-animations", "false"),
            ("org.gnome.desktop.session idle-delay", "0"),
            ("org.gnome.desktop.lockdown disable-lock-screen", "true"),  # it says that it has none
        ):
            session.run("gsettings", "set", *key.split(), value)
        session.environment["WAYLAND_DISPLAY"] = "wayland-omnitray"
        virtual = ("--headless", "--virtual-monitor", "1280x800")
        socket = ("--wayland-display", session.environment["WAYLAND_DISPLAY"])
        session.start("gnome-shell", *virtual, "--wayland", "--no-x11", "--unsafe-mode", *socket)
        self._await_watcher(60)
        self._await_notifications()
        known = ("WAYLAND_DISPLAY", "XDG_CURRENT_DESKTOP")
        session.run("dbus-update-activation-environment", *known)
        session.wait(self._is_calm, "the overview to go", 30)

    def _is_calm(self) -> bool:
        """The overview of the start is gone, and what the shell itself had to say."""
        self._eval("Main.overview.hide()")
        self._eval("Main.messageTray.getSources().forEach(each => each.destroy())")
        return "false" in self._eval("Main.overview.visible").partition(",")[2]

    def shoot(self, target: Path) -> None:
        """By the shell's own method."""
        method = "org.gnome.Shell.Screenshot.Screenshot"
        path = "/org/gnome/Shell/Screenshot"
        self.session.dbus("org.gnome.Shell.Screenshot", path, method, "false", "false", str(target))

    def click(self, x: int, y: int, *, right: bool = False) -> None:
        """By a virtual pointer of the shell: what it sends is what a mouse would."""
        button = "Clutter.BUTTON_SECONDARY" if right else "Clutter.BUTTON_PRIMARY"
        press = (
            "const {Clutter, GLib} = imports.gi;"
            "const seat = Clutter.get_default_backend().get_default_seat();"
            "const hand = seat.create_virtual_device(Clutter.InputDeviceType.POINTER_DEVICE);"
            "const now = () => GLib.get_monotonic_time();"
            f"hand.notify_absolute_motion(now(), {x}, {y});"
            f"hand.notify_button(now(), {button}, Clutter.ButtonState.PRESSED);"
            f"hand.notify_button(now(), {button}, Clutter.ButtonState.RELEASED);"
            "globalThis.omnitrayHand = hand; true"
        )
        self._eval(press)

    def active_title(self) -> str:
        """As the shell knows it."""
        said = self._eval("global.display.focus_window ? global.display.focus_window.title : ''")
        return said.partition('"')[2].rpartition('"')[0]

    def _eval(self, code: str) -> str:
        method = "org.gnome.Shell.Eval"
        return self.session.dbus("org.gnome.Shell", "/org/gnome/Shell", method, code)


def plasma_environment(kind: str) -> dict[str, str]:
    """What a Plasma session sets."""
    return {
        "XDG_CURRENT_DESKTOP": "KDE",
        "KDE_FULL_SESSION": "true",
        "KDE_SESSION_VERSION": "5",
        "XDG_SESSION_TYPE": kind,
        "QT_QUICK_BACKEND": "software",
        "DESKTOP_SESSION": "plasma",
    }


DESKTOPS: tuple[type[DesktopUnderTest], ...] = (Gnome, PlasmaX11, PlasmaWayland, Mate, Xfce, Sway)
