"""Programs that are never acted on, by platform: desktops, sound, input, terminals.

What is protected wherever it runs stands in ``common``. ``SERVICE_NAMES`` is what serves a Linux
session unseen: portals, keyrings, agents, mounts, input, the message bus. The names are those that
packages of Debian, Fedora, Arch and openSUSE start by these files:

- ``/usr/share/dbus-1/services`` (the bus starts them when they are asked for)
- ``/usr/lib/systemd/user``, ``/etc/xdg/autostart`` (with the session)

What indexes files (``tracker-miner-fs-3``, ``localsearch-3``, ``baloo_file``) starts so too and is
left out: its work can wait, and it is known to take a machine for itself.
"""

from omnitray.protector.exclusions.common import EVERYWHERE, EVERYWHERE_PATTERNS, ProgramTables
from omnitray.protector.model import ExclusionReason

_SESSION = (
    # Keyrings and what asks for passwords: gcr, GnuPG, pinentry, oo7, KDE's kio.
    *("gcr-ssh-agent", "gcr-prompter", "gcr4-ssh-agent", "oo7-daemon", "oo7-portal", "dirmngr"),
    *("pinentry", "pinentry-gnome3", "pinentry-gtk-2", "pinentry-gtk", "pinentry-qt", "keyboxd"),
    *("pinentry-qt5", "pinentry-x11", "pinentry-curses", "pinentry-tty", "scdaemon", "kiod5"),
    *("kiod6", "pass-secret-service", "pass_secret_service", "ssh-askpass", "ksshaskpass"),
    # Agents of polkit that are not called polkit-…
    *("lxpolkit", "xfce-polkit", "hyprpolkitagent", "pkttyagent", "soteria", "ukui-polkit"),
    # Accounts, calendars and settings that a desktop reads through a service.
    *("evolution-source-registry", "evolution-addressbook-factory", "evolution-user-prompter"),
    *("evolution-calendar-factory", "evolution-alarm-notify", "goa-identity-service", "gconfd-2"),
    *("signond", "akonadi_control", "akonadiserver", "glib-pacrunner", "xdg-user-dirs-update"),
    # Parts of Plasma and of GNOME beside their shells.
    *("kscreen_backend_launcher", "kuiserver", "kuiserver5", "kuiserver6", "klipper"),
    *("kcminit_startup", "kdeconnectd", "plasma_waitforname", "plasma-browser-integration-host"),
    *("DiscoverNotifier", "kalendarac", "kup-daemon", "update-notifier", "notify-osd"),
    *("snapd-desktop-integration", "zeitgeist-daemon", "xapp-sn-watcher", "mission-control-5"),
    # Clipboards, screens, printers, Bluetooth and removable disks, where they have a program each.
    *("gpaste-daemon", "diodon", "clipit", "parcellite", "copyq", "wl-paste", "wl-clip-persist"),
    *("kanshi", "wlsunset", "blueman-applet", "blueman-tray", "obexd", "mpris-proxy", "udiskie"),
    *("system-config-printer-applet", "scp-dbus-service", "pasystray", "volumeicon", "cbatticon"),
)
_SOUND = ("gsettings-helper", "bluealsa", "bluealsad", "a2jmidid", "pulseeffects")
_INPUT = (
    *("fcitx-dbus-watcher", "fcitx-autostart", "uim-helper-server", "uim-candwin-gtk3", "caribou"),
    *("mozc_renderer", "hazkey-server", "xbrlapi", "florence", "matchbox-keyboard"),
    # They carry keyboard and mouse to another machine, and from it.
    *("input-leap", "input-leapc", "input-leaps", "barrier", "barrierc", "barriers", "lan-mouse"),
    *("deskflow", "deskflow-core", "synergy", "synergy-core", "synergyc", "synergys"),
)
# File systems that a process serves (FUSE): what reads a file there waits for it, without an end.
_FILES = (
    *("fusermount", "fusermount3", "sshfs", "ntfs-3g", "mount.ntfs", "gocryptfs", "encfs"),
    *("cryfs", "securefs", "s3fs", "mergerfs", "bindfs", "curlftpfs", "mount.davfs", "ifuse"),
    *("jmtpfs", "simple-mtpfs", "go-mtpfs", "aft-mtp-mount", "squashfuse", "squashfuse_ll"),
    *("fuse-overlayfs", "archivemount", "fuseiso", "google-drive-ocamlfuse", "onedriver"),
    *("kbfsfuse", "exfat-fuse", "mount.exfat-fuse", "dislocker-fuse", "apfs-fuse", "fuse2fs"),
    *("cvmfs2", "glusterfs", "gcsfuse", "blobfuse2", "goofys", "afuse", "unionfs", "rar2fs"),
)
SERVICE_NAMES = {
    ExclusionReason.SESSION: frozenset(_SESSION),
    ExclusionReason.SOUND: frozenset(_SOUND),
    ExclusionReason.INPUT: frozenset(_INPUT),
    ExclusionReason.FILES: frozenset(_FILES),
}

# Helpers of a desktop have many names, a common beginning, and folders that only a package fills.
_BEGINNINGS = (
    *("xdg-desktop-portal*", "xdg-document-portal", "xdg-permission-store", "gsd-*", "csd-*"),
    *("msd-*", "gdm-*", "gvfs*", "polkit-*", "lxqt-*", "budgie-*", "cosmic-*", "cinnamon-*"),
    *("mate-*", "systemd-*", "ukui-*", "dde-*", "gnome-shell-*", "gnome-session-*", "ayatana-*"),
    *("indicator-*", "drkonqi-coredump-*", "geoclue-*/agent", "mate-panel/*", "xfce4/*"),
)
SERVICE_PATTERNS = tuple(
    (f"{folder}*/{name}", reason)
    for folder in ("/usr/", "/nix/store/", "/gnu/store/")
    for reason, names in (
        (ExclusionReason.SESSION, _BEGINNINGS),
        (ExclusionReason.BUS, ("at-spi-*", "at-spi2-*", "dbus-*")),
        (ExclusionReason.INPUT, ("ibus-*", "fcitx5-*", "speech-dispatcher-modules/*")),
    )
    for name in names
)

_Names = dict[ExclusionReason, frozenset[str]]


def _joined(*tables: _Names) -> _Names:
    """All that stands in one of the tables, by reason."""
    reasons = dict.fromkeys(reason for table in tables for reason in table)
    return {
        reason: frozenset().union(*(table.get(reason, ()) for table in tables))
        for reason in reasons
    }


_DESKTOP: _Names = {
    ExclusionReason.SESSION: frozenset(
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
            *("Xorg.bin", "Xorg.wrap", "Xvnc", "x0vncserver", "Xwayland-satellite", "xrdp"),
            *("xrdp-sesman", "xrdp-chansrv", "gnome-remote-desktop-daemon", "krfb", "wayvnc"),
            *("sshd-auth", "dropbear", "elogind", "elogind-daemon", "seatd", "dinit", "runit"),
            *("s6-svscan", "openrc-init", "shepherd", "gnome-session-ctl", "mutter-x11-frames"),
            *("gnome-shell-calendar-server", "gnome-screensaver", "light-locker", "xss-lock"),
            *("goa-daemon", "kwin_wayland_wrapper", "kglobalaccel5", "kglobalacceld", "kaccess"),
            *("kactivitymanagerd", "org_kde_powerdevil", "xembedsniproxy", "ksecretd"),
            *("gmenudbusmenuproxy", "startplasma-wayland", "startplasma-x11", "kdeinit5"),
            *("kdeinit6", "klauncher", "ksplashqml", "kwalletmanager5", "keepassxc"),
            *("xfce4-power-manager", "xfce4-screensaver", "xfconfd", "wrapper-2.0"),
            *("xfce4-clipman", "compiz", "enlightenment", "sawfish", "jwm", "spectrwm", "hyprlock"),
            *("hypridle", "hyprpaper", "swayidle", "swaybg", "swaync", "gammastep", "redshift"),
            *("gtklock", "waylock", "fnott", "deadd-notification-center", "tint2"),
            *("polybar", "eww", "ags", "quickshell", "sfwbar", "lemonbar", "xmobar", "plank"),
            *("conmon", "rootlesskit", "gnome-initial-setup", "xsettingsd", "xcompmgr", "compton"),
        )
    ),
    ExclusionReason.BUS: frozenset(
        (
            *("dbus-daemon", "dbus-broker", "dbus-broker-launch", "at-spi-bus-launcher"),
            *("at-spi2-registryd", "dbus-run-session", "dbus-launch", "xdg-dbus-proxy"),
        )
    ),
    ExclusionReason.SOUND: frozenset(
        (
            *("pipewire", "pipewire-pulse", "wireplumber", "pulseaudio", "jackd", "jackdbus"),
            *("pipewire-media-session", "easyeffects", "pipewire-aes67", "sndiod", "roc-recv"),
        )
    ),
    ExclusionReason.INPUT: frozenset(
        (
            *("ibus-daemon", "ibus-x11", "ibus-engine-simple", "fcitx", "fcitx5", "uim-xim"),
            *("scim", "maliit-keyboard", "onboard", "squeekboard", "libinput-gestures"),
            *("hime", "gcin", "nabi", "kime", "uim-toolbar", "mozc_server", "xbindkeys", "sxhkd"),
            *("touchegg", "input-remapper-service", "keyd", "kanata", "xremap", "ydotoold"),
            *("orca", "speech-dispatcher", "brltty", "wvkbd", "wvkbd-mobintl"),
        )
    ),
    ExclusionReason.TERMINAL: frozenset(
        (
            *("gnome-terminal-server", "gnome-terminal", "konsole", "xterm", "uxterm"),
            *("alacritty", "kitty", "foot", "footclient", "wezterm-gui", "tilix", "terminator"),
            *("wezterm-mux-server", "xfce4-terminal", "lxterminal", "mate-terminal", "ptyxis"),
            *("ptyxis-agent", "kgx", "ghostty", "guake", "yakuake", "tilda", "qterminal"),
            *("urxvt", "rxvt", "urxvtd", "st", "rio", "warp", "cool-retro-term", "sakura"),
            *("tmux", "screen", "zellij", "dtach", "abduco", "mosh-server", "ttyd"),
            *("rxvt-unicode", "wezterm", "contour", "terminology", "deepin-terminal", "tmate"),
            *("roxterm", "termite", "blackbox", "blackbox-terminal", "cosmic-term", "tabby"),
            *("hyper", "waveterm", "io.elementary.terminal", "lilyterm", "mrxvt", "aterm", "Eterm"),
            *("mlterm", "zutty", "havoc", "warp-terminal", "rio-term", "shpool", "script"),
        )
    ),
}

LINUX = ProgramTables(
    names=_joined(EVERYWHERE, SERVICE_NAMES, _DESKTOP),
    system_folders=(
        *("/usr/", "/bin/", "/sbin/", "/lib/", "/lib64/", "/opt/", "/nix/store/", "/gnu/store/"),
        *("/snap/", "/app/", "/var/lib/flatpak/", "/run/current-system/", "/var/lib/snapd/"),
        *("/run/host/usr/", "/ostree/"),
    ),
    patterns=(
        *SERVICE_PATTERNS,
        ("*/.mount_*/usr/bin/nvim", ExclusionReason.EDITOR),
        *EVERYWHERE_PATTERNS,
    ),
)
MACOS = ProgramTables(
    names=EVERYWHERE
    | {
        ExclusionReason.SESSION: frozenset(
            (
                *("launchd", "WindowServer", "loginwindow", "Dock", "Finder", "SystemUIServer"),
                *("ControlCenter", "NotificationCenter", "Spotlight", "cfprefsd", "securityd"),
                *("UserEventAgent", "tccd", "sshd", "login", "ScreenSaverEngine"),
            )
        ),
        ExclusionReason.BUS: frozenset(("distnoted", "mDNSResponder", "dbus-daemon")),
        ExclusionReason.SOUND: frozenset(("coreaudiod", "audioaccessoryd")),
        ExclusionReason.INPUT: frozenset(
            ("TextInputMenuAgent", "imklaunchagent", "Karabiner-Core")
        ),
        ExclusionReason.TERMINAL: frozenset(
            (
                *("Terminal", "iTerm2", "alacritty", "kitty", "wezterm-gui", "ghostty", "Warp"),
                *("tmux", "screen", "zellij", "iTermServer", "Hyper"),
            )
        ),
    },
    patterns=(
        ("/System/Library/*", ExclusionReason.SESSION),
        ("/usr/libexec/*", ExclusionReason.SESSION),
        ("*/Xcode.app/Contents/MacOS/*", ExclusionReason.EDITOR),
        ("*/Visual Studio Code*.app/*", ExclusionReason.EDITOR),
        ("*/Cursor.app/*", ExclusionReason.EDITOR),
        ("*/Windsurf.app/*", ExclusionReason.EDITOR),
        ("*/Zed*.app/*", ExclusionReason.EDITOR),
        ("*/Sublime Text.app/*", ExclusionReason.EDITOR),
        ("*/Nova.app/*", ExclusionReason.EDITOR),
        ("*/BBEdit.app/*", ExclusionReason.EDITOR),
        ("*/MacVim.app/*", ExclusionReason.EDITOR),
        ("*/Emacs.app/*", ExclusionReason.EDITOR),
        ("*/Android Studio*.app/*", ExclusionReason.EDITOR),
        ("*/IntelliJ IDEA*.app/*", ExclusionReason.EDITOR),
        ("*/PyCharm*.app/*", ExclusionReason.EDITOR),
        ("*/iTerm.app/*", ExclusionReason.TERMINAL),
        *EVERYWHERE_PATTERNS,
    ),
    folds_case=True,
)
WINDOWS = ProgramTables(
    names=EVERYWHERE
    | {
        ExclusionReason.SESSION: frozenset(
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
                *("registry", "system", "memory compression", "sshd", "dllhost", "lockapp"),
                *("applicationframehost", "systemsettings", "searchindexer", "widgets", "vmmem"),
                *("vmmemwsl", "vmwp", "wslservice", "wslhost", "wslrelay", "rdpclip", "msmpeng"),
            )
        ),
        ExclusionReason.SOUND: frozenset(("audiodg",)),
        ExclusionReason.INPUT: frozenset(("ctfmon", "textinputhost", "tabtip")),
        ExclusionReason.TERMINAL: frozenset(
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
    patterns=(
        ("?:/Windows/SystemApps/*", ExclusionReason.SESSION),
        ("*/Microsoft Visual Studio/*/ServiceHub*", ExclusionReason.EDITOR),
        *EVERYWHERE_PATTERNS,
    ),
    folds_case=True,
)

PROGRAMS = {"linux": LINUX, "macos": MACOS, "windows": WINDOWS}
