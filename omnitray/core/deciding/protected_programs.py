"""Programs that are never acted on, by what they are: tables per platform, as data.

A name stands for the last part of the executable's path, without ``.exe`` and in lower case where
the platform does not tell cases apart; a pattern stands for the whole path. Scripts (agents are
often some) are told by the script that an interpreter runs.
"""

import msgspec

from omnitray.core.deciding.protect_reasons import SparedReason

_AGENTS = frozenset(
    (
        *("claude", "codex", "aider", "gemini", "opencode", "goose", "cursor-agent", "amp"),
        *("copilot", "crush", "qwen", "openhands", "cline", "auggie", "droid", "plandex", "kiro"),
    )
)
_SHELLS = frozenset(
    (
        *("bash", "zsh", "fish", "sh", "dash", "ash", "ksh", "mksh", "tcsh", "csh", "nu"),
        *("xonsh", "elvish", "pwsh", "cmd", "powershell"),
    )
)
_EDITORS = frozenset(
    (
        *("code", "code-oss", "code-insiders", "codium", "cursor", "windsurf", "zed", "zed-editor"),
        *("emacs", "vim", "nvim", "vi", "gvim", "nano", "hx", "helix", "kak", "micro", "kate"),
        *("gedit", "gnome-text-editor", "sublime_text", "pycharm", "idea", "clion", "goland"),
        *("webstorm", "rider", "rustrover", "phpstorm", "studio", "eclipse", "qtcreator"),
        *("kdevelop", "gnome-builder", "geany", "lapce", "neovide", "devenv", "xcode", "textmate"),
    )
)
_DATABASES = frozenset(
    (
        *(
            "postgres",
            "postmaster",
            "mysqld",
            "mariadbd",
            "mongod",
            "redis-server",
            "valkey-server",
        ),
        *("sqlservr", "oracle", "cassandra", "clickhouse-server", "influxd", "etcd", "couchdb"),
        *("cockroach", "memcached", "rabbitmq-server", "beam.smp", "elasticsearch", "neo4j"),
    )
)
_PACKAGES = frozenset(
    (
        *("apt", "apt-get", "aptd", "dpkg", "dnf", "dnf5", "yum", "rpm", "zypper", "pacman"),
        *("packagekitd", "snapd", "snap", "flatpak", "flatpak-system-helper", "nix-daemon", "brew"),
        *("emerge", "xbps-install", "apk", "unattended-upgrade", "softwareupdated", "installer"),
        *("msiexec", "winget", "tiworker", "trustedinstaller", "choco"),
    )
)
_VPNS = frozenset(
    (
        *("openvpn", "openconnect", "wg-quick", "wireguard", "tailscaled", "tailscale", "vpnc"),
        *("strongswan", "charon", "charon-nm", "nordvpnd", "mullvad-daemon", "zerotier-one"),
        *("networkmanager", "NetworkManager", "wpa_supplicant", "iwd", "ssh-agent", "gpg-agent"),
    )
)
_BACKUPS = frozenset(
    (
        *("restic", "borg", "duplicity", "deja-dup", "rsnapshot", "timeshift", "bup", "kopia"),
        *("rclone", "syncthing", "backupd", "duplicacy", "vorta", "snapper", "btrbk", "wbengine"),
    )
)
_GUARDIANS = frozenset(
    (
        *("earlyoom", "nohang", "nohang-desktop", "systemd-oomd", "oomd", "ananicy"),
        *("ananicy-cpp", "gamemoded", "uresourced", "bustd", "psi-notify", "processgovernor"),
    )
)


class Programs(msgspec.Struct, frozen=True, kw_only=True):
    """One platform's tables."""

    names: dict[SparedReason, frozenset[str]]
    patterns: tuple[tuple[str, SparedReason], ...] = ()
    folds_case: bool = False


_EVERYWHERE = {
    SparedReason.AGENT: _AGENTS,
    SparedReason.SHELL: _SHELLS,
    SparedReason.EDITOR: _EDITORS,
    SparedReason.DATABASE: _DATABASES,
    SparedReason.PACKAGES: _PACKAGES,
    SparedReason.VPN: _VPNS,
    SparedReason.BACKUP: _BACKUPS,
    SparedReason.GUARDIAN: _GUARDIANS,
}
_EDITOR_PATTERNS = (
    ("*/.vscode-server/*", SparedReason.EDITOR),
    ("*/.cursor-server/*", SparedReason.EDITOR),
    ("*[/\\]jbr[/\\]*[/\\]java", SparedReason.EDITOR),  # JetBrains' own runtime
)

LINUX = Programs(
    names=_EVERYWHERE
    | {
        SparedReason.SESSION: frozenset(
            (
                *("systemd", "systemd-logind", "systemd-executor", "init", "login", "sshd"),
                *("sshd-session", "gdm", "gdm3", "gdm-session-worker", "gdm-wayland-session"),
                *("gdm-x-session", "sddm", "sddm-helper", "lightdm", "lxdm", "greetd", "xinit"),
                *("Xorg", "Xwayland", "Xvfb", "Xephyr", "Xtigervnc", "weston", "sway", "i3"),
                *("Hyprland", "labwc", "wayfire", "river", "niri", "awesome", "dwm", "bspwm"),
                *("openbox", "fluxbox", "xmonad", "qtile", "herbstluftwm", "icewm"),
                *("gnome-session-binary", "gnome-session-service", "gnome-shell", "mutter"),
                *("gnome-keyring-daemon", "gnome-settings-daemon", "gsd-xsettings", "gjs-console"),
                *("plasmashell", "kwin_wayland", "kwin_x11", "ksmserver", "kded5", "kded6"),
                *("plasma_session", "krunner", "kscreenlocker_greet", "kwalletd5", "kwalletd6"),
                *("xfce4-session", "xfwm4", "xfce4-panel", "xfdesktop", "xfsettingsd", "muffin"),
                *("cinnamon", "cinnamon-session", "nemo-desktop", "mate-session", "marco"),
                *("mate-panel", "mate-settings-daemon", "lxsession", "lxpanel", "lxqt-session"),
                *("lxqt-panel", "budgie-wm", "budgie-panel", "cosmic-session", "cosmic-comp"),
                *("cosmic-panel", "waybar", "swaylock", "i3lock", "xscreensaver", "picom", "dunst"),
                *("mako", "xfce4-notifyd", "notification-daemon", "polkitd", "trayer"),
                *("xdg-desktop-portal", "xdg-desktop-portal-gtk", "xdg-desktop-portal-gnome"),
                *("xdg-desktop-portal-kde", "gvfsd", "dconf-service", "stalonetray"),
            )
        ),
        SparedReason.BUS: frozenset(
            ("dbus-daemon", "dbus-broker", "dbus-broker-launch", "at-spi-bus-launcher")
        ),
        SparedReason.SOUND: frozenset(
            ("pipewire", "pipewire-pulse", "wireplumber", "pulseaudio", "jackd", "jackdbus")
        ),
        SparedReason.INPUT: frozenset(
            (
                *("ibus-daemon", "ibus-x11", "ibus-engine-simple", "fcitx", "fcitx5", "uim-xim"),
                *("scim", "maliit-keyboard", "onboard", "squeekboard", "libinput-gestures"),
            )
        ),
        SparedReason.TERMINAL: frozenset(
            (
                *("gnome-terminal-server", "gnome-terminal", "konsole", "xterm", "uxterm"),
                *("alacritty", "kitty", "foot", "footclient", "wezterm-gui", "tilix", "terminator"),
                *("wezterm-mux-server", "xfce4-terminal", "lxterminal", "mate-terminal", "ptyxis"),
                *("ptyxis-agent", "kgx", "ghostty", "guake", "yakuake", "tilda", "qterminal"),
                *("urxvt", "rxvt", "urxvtd", "st", "rio", "warp", "cool-retro-term", "sakura"),
                *("tmux", "screen", "zellij", "dtach", "abduco", "mosh-server", "ttyd"),
            )
        ),
    },
    patterns=_EDITOR_PATTERNS,
)
MACOS = Programs(
    names=_EVERYWHERE
    | {
        SparedReason.SESSION: frozenset(
            (
                *("launchd", "WindowServer", "loginwindow", "Dock", "Finder", "SystemUIServer"),
                *("ControlCenter", "NotificationCenter", "Spotlight", "cfprefsd", "securityd"),
                *("UserEventAgent", "tccd", "sshd", "login", "ScreenSaverEngine"),
            )
        ),
        SparedReason.BUS: frozenset(("distnoted", "mDNSResponder", "dbus-daemon")),
        SparedReason.SOUND: frozenset(("coreaudiod", "audioaccessoryd")),
        SparedReason.INPUT: frozenset(("TextInputMenuAgent", "imklaunchagent", "Karabiner-Core")),
        SparedReason.TERMINAL: frozenset(
            (
                *("Terminal", "iTerm2", "alacritty", "kitty", "wezterm-gui", "ghostty", "Warp"),
                *("tmux", "screen", "zellij", "iTermServer", "Hyper"),
            )
        ),
    },
    patterns=(
        ("/System/Library/CoreServices/*", SparedReason.SESSION),
        ("*/Xcode.app/Contents/MacOS/*", SparedReason.EDITOR),
        ("*/Visual Studio Code.app/*", SparedReason.EDITOR),
        ("*/Cursor.app/*", SparedReason.EDITOR),
        *_EDITOR_PATTERNS,
    ),
)
WINDOWS = Programs(
    names=_EVERYWHERE
    | {
        SparedReason.SESSION: frozenset(
            (
                *("explorer", "csrss", "smss", "wininit", "winlogon", "services", "lsass", "dwm"),
                *(
                    "svchost",
                    "sihost",
                    "taskhostw",
                    "fontdrvhost",
                    "logonui",
                    "startmenuexperiencehost",
                ),
                *("shellexperiencehost", "searchhost", "runtimebroker", "taskmgr", "userinit"),
                *("registry", "system", "memory compression", "sshd"),
            )
        ),
        SparedReason.SOUND: frozenset(("audiodg",)),
        SparedReason.INPUT: frozenset(("ctfmon", "textinputhost", "tabtip")),
        SparedReason.TERMINAL: frozenset(
            (
                *(
                    "windowsterminal",
                    "conhost",
                    "openconsole",
                    "mintty",
                    "alacritty",
                    "wezterm-gui",
                ),
                *("conemu64", "conemuc64", "tabby", "hyper"),
            )
        ),
    },
    patterns=_EDITOR_PATTERNS,
    folds_case=True,
)
PROGRAMS = {"linux": LINUX, "macos": MACOS, "windows": WINDOWS}
