"""What serves the session is left alone: programs as packages start them."""

import pytest

from omnitray.protector.exclusions.programs import LINUX
from omnitray.protector.exclusions.rules import ExclusionRules
from omnitray.protector.model import ExclusionReason

# The lines of Debian 13's D-Bus services, systemd units of the user, and autostart entries.
STARTED = {
    ExclusionReason.SESSION: (
        *("/usr/libexec/xdg-desktop-portal", "/usr/libexec/xdg-document-portal"),
        *("/usr/libexec/xdg-permission-store", "/usr/libexec/xdg-desktop-portal-gtk"),
        "/usr/lib/x86_64-linux-gnu/libexec/xdg-desktop-portal-kde",
        *("/usr/libexec/gvfsd", "/usr/libexec/gvfsd-fuse /run/user/1000/gvfs -f"),
        *("/usr/libexec/gvfs-udisks2-volume-monitor", "/usr/libexec/dconf-service"),
        "/usr/bin/gnome-keyring-daemon --foreground --components=pkcs11,secrets",
        *("/usr/libexec/gcr-ssh-agent /run/user/1000/gcr", "/usr/libexec/gcr-prompter"),
        *("/usr/bin/kwalletd5", "/usr/lib/x86_64-linux-gnu/libexec/kf5/kiod5"),
        *("/usr/bin/dirmngr --supervised", "/usr/bin/pinentry-gnome3"),
        "/usr/libexec/polkit-mate-authentication-agent-1",
        "/usr/lib/x86_64-linux-gnu/libexec/polkit-kde-authentication-agent-1",
        "/usr/lib/policykit-1-gnome/polkit-gnome-authentication-agent-1",
        *("/usr/libexec/evolution-source-registry", "/usr/libexec/evolution-calendar-factory"),
        "/usr/libexec/evolution-addressbook-factory",
        *("/usr/libexec/gnome-shell-portal-helper", "/usr/libexec/gnome-shell-hotplug-sniffer"),
        *("/usr/libexec/gsd-media-keys", "/usr/libexec/glib-pacrunner", "/usr/bin/klipper"),
        "/usr/lib/x86_64-linux-gnu/libexec/kf5/kscreen_backend_launcher",
        "/usr/lib/mate-panel/clock-applet",
        "/usr/lib/x86_64-linux-gnu/xfce4/notifyd/xfce4-notifyd",
        "/usr/bin/python3.13 /usr/bin/blueman-applet",
        "/usr/bin/python3.13 /usr/bin/scp-dbus-service",
    ),
    ExclusionReason.BUS: (
        "/usr/bin/dbus-daemon --session --address=systemd: --nofork --nopidfile",
        *("/usr/libexec/at-spi-bus-launcher", "/usr/libexec/at-spi2-registryd"),
    ),
    ExclusionReason.SOUND: (
        *("/usr/bin/pipewire", "/usr/bin/pipewire-pulse", "/usr/bin/wireplumber"),
        "/usr/libexec/pulse/gsettings-helper",
    ),
    ExclusionReason.INPUT: (
        *("/usr/bin/ibus-daemon --xim", "/usr/libexec/ibus-portal", "/usr/bin/fcitx5 -d"),
        "/usr/lib/speech-dispatcher-modules/sd_espeak-ng",
    ),
    ExclusionReason.FILES: (
        "/usr/bin/fusermount3 -o rw,nosuid,nodev,fsname=portal -- /run/user/1000/doc",
        "/usr/bin/sshfs me@host: /home/me/host",
    ),
}
LINES = [(line, reason) for reason, lines in STARTED.items() for line in lines]


@pytest.mark.parametrize(("line", "reason"), LINES)
def test_it_is_left_alone(line: str, reason: ExclusionReason) -> None:
    arguments = tuple(line.split())
    rules = ExclusionRules(LINUX, "/home/me")
    assert rules.child_exclusion(arguments[0], arguments, ()) is reason


@pytest.mark.parametrize(
    "line",
    [
        "/home/me/shop/klipper",
        "/home/me/shop/xdg-document-portal",
        "/usr/libexec/gcc/x86_64-linux-gnu/14/cc1plus",
        "/usr/libexec/localsearch-3",
        "/usr/bin/baloo_file",
        "/usr/bin/gnome-calculator",
    ],
)
def test_a_program_of_ones_own_and_what_only_works_for_itself_may_be_chosen(line: str) -> None:
    assert ExclusionRules(LINUX, "/home/me").child_exclusion(line, (line,), ()) is None
