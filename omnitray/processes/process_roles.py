"""What a process is to those below it, derived from its name alone.

The kernel keeps 15 letters of a name, so longer ones stand here as it cuts them.
"""

import enum

from omnitray.base.facts import ProcessFacts

KTHREADD = 2


class Role(enum.Enum):
    """How the children of a process relate to it."""

    KERNEL = "kernel"  # a thread of the kernel
    HOST = "host"  # what it starts are jobs of their own
    DESKTOP = "desktop"  # as HOST, and what it starts are applications
    TERMINAL = "terminal"  # shells in it belong to it, what they start does not
    SHELL = "shell"  # a host for what a person types, a part of its job when it runs a script
    PLAIN = "plain"  # what it starts is a part of its job


_HOSTS = frozenset(
    (
        # init, its helpers and what stands in for it in containers
        *("init", "systemd", "(sd-pam)", "runit", "runsv", "runsvdir", "s6-svscan", "s6-supervise"),
        *("openrc-init", "supervisord", "tini", "dumb-init", "docker-init", "catatonit", "conmon"),
        *("containerd", "containerd-shim", "dockerd", "podman", "launchd", "services.exe"),
        *("cron", "crond", "atd", "anacron", "xinetd", "dbus-daemon", "dbus-broker"),
        *("dbus-broker-lau", "xdg-desktop-por", "at-spi-bus-laun"),
    )
)
_DESKTOPS = frozenset(  # sessions, compositors, panels and launchers
    (
        *("gdm", "gdm3", "gdm-session-wor", "gdm-wayland-ses", "gdm-x-session", "sddm"),
        *("sddm-helper", "lightdm", "lxdm", "greetd", "xinit", "startx", "Xorg", "Xwayland"),
        *("gnome-session-b", "gnome-session-s", "gnome-session", "gnome-shell", "plasmashell"),
        *("ksmserver", "kdeinit5", "kded5", "kded6", "klauncher", "krunner", "kwin_wayland"),
        *("kwin_x11", "startplasma-way", "startplasma-x11", "plasma_session", "xfce4-session"),
        *("xfce4-panel", "xfdesktop", "xfwm4", "cinnamon", "cinnamon-sessio", "mate-session"),
        *("mate-panel", "marco", "lxsession", "lxpanel", "lxqt-session", "lxqt-panel", "openbox"),
        *("sway", "i3", "Hyprland", "labwc", "wayfire", "river", "niri", "awesome", "dwm", "bspwm"),
        *("fluxbox", "xmonad", "qtile", "budgie-panel", "budgie-wm", "cosmic-session"),
        *("cosmic-comp", "cosmic-panel", "rofi", "wofi", "fuzzel", "dmenu_run", "waybar"),
        *("explorer.exe", "Dock", "Finder", "loginwindow"),
    )
)
_TERMINALS = frozenset(
    (
        *("gnome-terminal-", "gnome-terminal", "konsole", "xterm", "uxterm", "alacritty", "kitty"),
        *("foot", "footclient", "wezterm-gui", "wezterm-mux-ser", "tilix", "terminator", "rio"),
        *("xfce4-terminal", "lxterminal", "mate-terminal", "qterminal", "urxvt", "rxvt", "urxvtd"),
        *("st", "ptyxis", "ptyxis-agent", "kgx", "ghostty", "warp", "hyper", "tabby", "guake"),
        *("yakuake", "tilda", "cool-retro-term", "deepin-terminal", "terminology", "sakura"),
        *("blackbox", "contour", "elementary-term", "io.elementary.t", "pantheon-termin"),
        *("tmux", "tmux: server", "screen", "SCREEN", "zellij", "dtach", "abduco", "mosh-server"),
        *("ttyd", "sshd", "sshd-session", "dropbear", "login", "su", "script", "expect"),
        *("Terminal", "iTerm2", "WindowsTerminal", "conhost.exe", "OpenConsole.exe"),
    )
)
_SHELLS = frozenset(
    (
        *("bash", "zsh", "fish", "sh", "dash", "ash", "ksh", "mksh", "tcsh", "csh", "nu", "xonsh"),
        *("elvish", "pwsh", "busybox", "cmd.exe", "powershell.exe", "pwsh.exe"),
    )
)
AGENTS = frozenset(
    (
        *("claude", "codex", "aider", "gemini", "opencode", "goose", "cursor-agent", "amp"),
        *("copilot", "crush", "qwen", "openhands", "cline", "auggie", "droid", "plandex"),
    )
)

_ROLES = {
    **dict.fromkeys(_HOSTS, Role.HOST),
    **dict.fromkeys(_DESKTOPS, Role.DESKTOP),
    **dict.fromkeys(_TERMINALS, Role.TERMINAL),
    **dict.fromkeys(_SHELLS, Role.SHELL),
}

NAMES = frozenset(_ROLES) | AGENTS


def role_of(process: ProcessFacts) -> Role:
    """The role of a process."""
    if _is_kernel_thread(process):
        return Role.KERNEL
    if process.pid == 1:
        return Role.HOST
    return _ROLES.get(process.name, Role.PLAIN)


def _is_kernel_thread(process: ProcessFacts) -> bool:
    # In a container pid 2 is a process like any other.
    below = KTHREADD in {process.ppid, process.pid}
    return below and process.rss_bytes == 0 and process.state != "Z"


def is_shell(name: str) -> bool:
    """Whether this is the name of a shell."""
    return name in _SHELLS


# Options with a value after which a shell still reads what is typed, by the shell's name.
_BEFORE_TYPING = {
    "fish": {"-C", "--init-command", "-o", "--debug-output", "-d", "--debug"},
    "nu": {"-e", "--execute", "--config", "--env-config", "-I", "--include-path"},
}
_WITH_VALUE = {"--rcfile", "--init-file", "-o", "+O", "-O"}
BEFORE_TYPING_WORDS = frozenset(_WITH_VALUE.union(*_BEFORE_TYPING.values()))


def waits_for_a_person(arguments: tuple[str, ...] | None) -> bool:
    """Whether a shell with these arguments reads commands one by one, and no script of its own."""
    if not arguments:
        return True
    shell = arguments[0].rpartition("/")[2].removeprefix("-").removesuffix(".exe")
    with_value = _WITH_VALUE | _BEFORE_TYPING.get(shell, set())
    rest = iter(arguments[1:])
    for each in rest:
        if each in with_value:
            next(rest, None)
        elif each.startswith("/dev/fd/"):  # fed by another program
            continue
        elif each == "-s":  # reads commands; what follows are their arguments
            return True
        elif not each.startswith(("-", "+")) or _has_command(each):
            return False
    return True


def _has_command(option: str) -> bool:
    return not option.startswith("--") and "c" in option[1:]


class ShellJob(enum.Enum):
    """Whether an interactive shell waits for a process as one of its jobs.

    It sees that a job is stopped, takes the terminal back, and runs what is typed next as a
    command; a later continue does not give the terminal back.
    """

    NONE = "none"
    FOREGROUND = "foreground"
    BACKGROUND = "background"


class Tie(enum.StrEnum):
    """One thing that a pause would break; the value is the word that is shown."""

    DISPLAY = "has a window or a tray icon"
    SOUND = "is playing or recording sound"
    BUS_NAME = "serves others on the session bus"
    TYPED_INTO = "is being typed into"
    MACHINE = "runs a virtual machine"
    UNKNOWN = "cannot be looked into"


# What a person would lose: such a process is not ended, nor slowed down to a standstill.
LOST_BY_AN_END = frozenset({Tie.DISPLAY, Tie.SOUND, Tie.TYPED_INTO, Tie.MACHINE})
