"""What serves a Linux session unseen: portals, keyrings, agents, mounts, input, the message bus.

The names are those that packages of Debian, Fedora, Arch and openSUSE start by these files:

- ``/usr/share/dbus-1/services`` (the bus starts them when they are asked for)
- ``/usr/lib/systemd/user``, ``/etc/xdg/autostart`` (with the session)

What indexes files (``tracker-miner-fs-3``, ``localsearch-3``, ``baloo_file``) starts so too and is
left out: its work can wait, and it is known to take a machine for itself.
"""

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
