"""Programs that are never acted on wherever they run: tables by what they are, as data.

A name stands for the last part of the executable's path, without ``.exe`` and in lower case where
the platform does not tell cases apart; a pattern stands for the whole path, with forward slashes.
Scripts (agents are often some) are known by the script that an interpreter runs.
"""

import msgspec

from omnitray.protector.model import ExclusionReason

_AGENTS = frozenset(
    (
        *("claude", "codex", "aider", "gemini", "opencode", "goose", "cursor-agent", "amp"),
        *("copilot", "crush", "qwen", "openhands", "cline", "auggie", "droid", "plandex", "kiro"),
    )
)
_SHELLS = frozenset(
    (
        *("bash", "zsh", "fish", "sh", "dash", "ash", "ksh", "mksh", "tcsh", "csh", "nu"),
        *("xonsh", "elvish", "pwsh", "cmd", "powershell", "busybox", "yash", "osh", "murex"),
    )
)
_EDITORS = frozenset(
    (
        *("code", "code-oss", "code-insiders", "codium", "cursor", "windsurf", "zed", "zed-editor"),
        *("emacs", "vim", "nvim", "vi", "gvim", "nano", "hx", "helix", "kak", "micro", "kate"),
        *("gedit", "gnome-text-editor", "sublime_text", "pycharm", "idea", "clion", "goland"),
        *("webstorm", "rider", "rustrover", "phpstorm", "studio", "eclipse", "qtcreator"),
        *("kdevelop", "gnome-builder", "geany", "lapce", "neovide", "devenv", "xcode", "textmate"),
        # Debian's builds of one program have names of their own; the links to them do not count.
        *("vim.basic", "vim.tiny", "vim.nox", "vim.gtk3", "vim.motif", "view", "vimx", "nvim-qt"),
        *("emacs-gtk", "emacs-nox", "emacs-lucid", "emacs-pgtk", "emacs-x11", "emacsclient", "mg"),
        *("joe", "jed", "ne", "mcedit", "mc", "kwrite", "pluma", "xed", "mousepad"),
        *("featherpad", "l3afpad", "leafpad", "notepadqq", "texstudio", "spyder", "thonny"),
        *(
            "arduino-ide",
            "rstudio",
            "netbeans",
            "cosmic-edit",
            "trae",
            "antigravity",
        ),
        *("pulsar", "atom", "brackets", "bluefish", "lite-xl", "dataspell", "datagrip"),
        *("rubymine", "fleet", "code-server", "openvscode-server", "notepad", "notepad++"),
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
        # Debian's redis-server is a link to the checker, which is the same program.
        *("redis-check-rdb", "redis-check-aof", "valkey-check-rdb", "keydb-server", "dragonfly"),
        *("mariadbd-safe", "mysqld_safe", "mongos", "slapd", "firebird", "clickhouse", "influxd3"),
        *("scylla", "tikv-server", "tidb-server", "qdrant", "meilisearch", "surreal", "rqlited"),
    )
)
_PACKAGES = frozenset(
    (
        *("apt", "apt-get", "aptd", "dpkg", "dnf", "dnf5", "yum", "rpm", "zypper", "pacman"),
        *("packagekitd", "snapd", "snap", "flatpak", "flatpak-system-helper", "nix-daemon", "brew"),
        *("emerge", "xbps-install", "apk", "unattended-upgrade", "softwareupdated", "installer"),
        *(
            "aptitude",
            "synaptic",
            "nala",
            "apt.systemd.daily",
            "dpkg-deb",
            "microdnf",
            "rpm-ostree",
        ),
        *("rpm-ostreed", "ostree", "bootc", "guix-daemon", "nix-env", "nixos-rebuild", "pamac"),
        *(
            "yay",
            "paru",
            "eopkg",
            "swupd",
            "fwupd",
            "fwupdmgr",
            "gnome-software",
            "plasma-discover",
        ),
        *("pkcon", "transactional-update", "flatpak-session-helper", "flatpak-portal"),
        *("msiexec", "winget", "tiworker", "trustedinstaller", "choco"),
    )
)
_VPNS = frozenset(
    (
        *("openvpn", "openconnect", "wg-quick", "wireguard", "tailscaled", "tailscale", "vpnc"),
        *("strongswan", "charon", "charon-nm", "nordvpnd", "mullvad-daemon", "zerotier-one"),
        *("networkmanager", "NetworkManager", "wpa_supplicant", "iwd", "ssh-agent", "gpg-agent"),
        *("ssh", "autossh", "sshuttle", "mosh-client", "warp-svc", "openfortivpn", "gpclient"),
        *("nm-applet", "mullvad-vpn", "protonvpn", "protonvpn-app", "expressvpnd", "netbird"),
        *("slirp4netns", "pasta", "passt", "nebula", "cloudflared", "xl2tpd", "pppd", "dnsmasq"),
    )
)
_BACKUPS = frozenset(
    (
        *("restic", "borg", "duplicity", "deja-dup", "rsnapshot", "timeshift", "bup", "kopia"),
        *("rclone", "syncthing", "backupd", "duplicacy", "vorta", "snapper", "btrbk", "wbengine"),
        *("borgmatic", "resticprofile", "pika-backup", "backintime", "backintime-qt", "duply"),
        *(
            "rdiff-backup",
            "tarsnap",
            "bacula-fd",
            "bareos-fd",
            "urbackupclientbackend",
            "luckybackup",
        ),
        *("dropbox", "onedrive", "nextcloud", "insync", "megasync", "proxmox-backup-client"),
    )
)
_GUARDIANS = frozenset(
    (
        *("earlyoom", "nohang", "nohang-desktop", "systemd-oomd", "oomd", "ananicy"),
        *("ananicy-cpp", "gamemoded", "uresourced", "bustd", "psi-notify", "processgovernor"),
    )
)

# What has a document open, and may have changes in it that no file holds yet.
_DOCUMENTS = frozenset(
    (
        *("soffice.bin", "oosplash", "gimp", "gimp-2.10", "gimp-3.0", "inkscape", "krita"),
        *("blender", "darktable", "rawtherapee", "audacity", "ardour", "kdenlive", "shotcut"),
        *("freecad", "kicad", "scribus", "lyx", "xournalpp", "qgis-bin", "obs"),
    )
)
# A stop in the middle leaves a file system or a partition half done.
_FILE_SYSTEMS = frozenset(
    (
        *("mkfs", "mke2fs", "mkfs.ext4", "mkfs.xfs", "mkfs.btrfs", "mkfs.fat", "mkfs.ntfs"),
        *("fsck", "e2fsck", "fsck.ext4", "fsck.fat", "xfs_repair", "ntfsfix", "resize2fs"),
        *("xfs_growfs", "btrfs", "btrfs-convert", "tune2fs", "cryptsetup", "mdadm", "lvm"),
        *("parted", "gparted", "gpartedbin", "fdisk", "sgdisk", "gdisk", "zpool", "ntfsresize"),
    )
)
_HEADLESS = frozenset(("--headless", "--no-interface", "-i", "--background", "-b"))
_GIT_AT_WORK = frozenset(
    ("gc", "repack", "pack-objects", "prune", "pack-refs", "maintenance", "filter-branch")
)
_INSTALLERS = frozenset(
    (
        *("pip", "pipx", "uv", "poetry", "pdm", "conda", "mamba", "npm", "npm-cli", "pnpm"),
        *("yarn", "bun", "gem", "bundle", "composer", "ensurepip"),
    )
)
_INSTALLS = frozenset(
    ("install", "i", "ci", "add", "update", "upgrade", "sync", "uninstall", "remove", "pip")
)
AT_WORK_WORDS = frozenset(("git",)).union(
    _DOCUMENTS, _HEADLESS, _GIT_AT_WORK, _INSTALLERS, _INSTALLS
)


def at_work(name: str, words: tuple[str, ...]) -> ExclusionReason | None:
    """What a program is by its arguments, ``words``.

    ``npm test`` runs a person's tests; ``npm install`` changes what they run on.
    """
    first = next((word for word in words if not word.startswith("-")), "")
    if name == "git" and first in _GIT_AT_WORK:
        return ExclusionReason.CHANGES_DATA
    if name.rstrip("0123456789.") in _INSTALLERS and first in _INSTALLS:
        return ExclusionReason.PACKAGES
    if name in _DOCUMENTS and _HEADLESS.isdisjoint(words):
        return ExclusionReason.DOCUMENT
    return None


# Agents, editors and shells are installed for one person too, in folders that installers fill.
PERSONAL_REASONS = frozenset(
    (
        *(ExclusionReason.AGENT, ExclusionReason.EDITOR, ExclusionReason.SHELL),
        ExclusionReason.PACKAGES,
    )
)
PERSONAL_FOLDERS = (
    *(".local/bin/", ".local/share/", ".local/opt/", ".cargo/bin/", ".npm-global/", ".nvm/"),
    *(".bun/bin/", ".volta/", ".asdf/", ".nix-profile/", ".linuxbrew/", "snap/", "Applications/"),
    *(".vscode/", ".cursor/", ".opencode/bin/", ".claude/", ".local/state/", "go/bin/"),
)


# What runs a guest: QEMU for each processor, and others. Their names begin so.
MACHINES = (
    *("qemu-system-", "qemu-kvm", "VirtualBoxVM", "VBoxHeadless", "vmware-vmx"),
    *("cloud-hypervisor", "firecracker", "bhyve"),
)


class ProgramTables(msgspec.Struct, frozen=True, kw_only=True):
    """One platform's tables."""

    names: dict[ExclusionReason, frozenset[str]]
    system_folders: tuple[str, ...] = ()  # where the names count; empty: everywhere
    patterns: tuple[tuple[str, ExclusionReason], ...] = ()
    folds_case: bool = False


EVERYWHERE = {
    ExclusionReason.AGENT: _AGENTS,
    ExclusionReason.SHELL: _SHELLS,
    ExclusionReason.EDITOR: _EDITORS,
    ExclusionReason.DATABASE: _DATABASES,
    ExclusionReason.PACKAGES: _PACKAGES,
    ExclusionReason.VPN: _VPNS,
    ExclusionReason.BACKUP: _BACKUPS,
    ExclusionReason.GUARDIAN: _GUARDIANS,
    ExclusionReason.CHANGES_DATA: _FILE_SYSTEMS,
}
EVERYWHERE_PATTERNS = (
    ("*/.vscode-server/*", ExclusionReason.EDITOR),
    ("*/.vscode-server-insiders/*", ExclusionReason.EDITOR),
    ("*/.cursor-server/*", ExclusionReason.EDITOR),
    ("*/.windsurf-server/*", ExclusionReason.EDITOR),
    ("*/.zed_server/*", ExclusionReason.EDITOR),
    ("*/.vscodium-server/*", ExclusionReason.EDITOR),
    ("*/.positron-server/*", ExclusionReason.EDITOR),
    # Their servers run by Node: what a package, an archive or npm puts there.
    ("*/code-server/out/node/*", ExclusionReason.EDITOR),
    ("*/code-server/lib/node", ExclusionReason.EDITOR),
    ("*/code-server/lib/vscode/*", ExclusionReason.EDITOR),
    ("*/openvscode-server*/node", ExclusionReason.EDITOR),
    ("*/openvscode-server*/out/*", ExclusionReason.EDITOR),
    ("*/jbr/*/java", ExclusionReason.EDITOR),  # JetBrains' own runtime
    # Programs that carry their version for a name, and scripts with a name that says nothing.
    ("*/claude/versions/*", ExclusionReason.AGENT),
    ("*/@anthropic-ai/claude-code/*", ExclusionReason.AGENT),
    ("*/@openai/codex/*", ExclusionReason.AGENT),
    ("*/@google/gemini-cli/*", ExclusionReason.AGENT),
    ("*/@github/copilot/*", ExclusionReason.AGENT),
    ("*/@qwen-code/qwen-code/*", ExclusionReason.AGENT),
    ("*/@sourcegraph/amp/*", ExclusionReason.AGENT),
    ("*/@augmentcode/auggie/*", ExclusionReason.AGENT),
    ("*/cursor-agent/versions/*", ExclusionReason.AGENT),
    ("*/opencode-ai/*", ExclusionReason.AGENT),
    ("*/Homebrew/Library/Homebrew/*", ExclusionReason.PACKAGES),
    ("*/homebrew/Library/Homebrew/*", ExclusionReason.PACKAGES),
)
# What a Java virtual machine runs, told by a part of its main class.
SERVERS_IN_JAVA = {
    "org.elasticsearch.": ExclusionReason.DATABASE,
    "org.opensearch.": ExclusionReason.DATABASE,
    "org.apache.cassandra.": ExclusionReason.DATABASE,
    "org.neo4j.": ExclusionReason.DATABASE,
    "com.neo4j.": ExclusionReason.DATABASE,
    "kafka.Kafka": ExclusionReason.DATABASE,
    "org.apache.zookeeper.": ExclusionReason.DATABASE,
    "org.h2.tools.Server": ExclusionReason.DATABASE,
    "com.intellij.idea.Main": ExclusionReason.EDITOR,
    "org.eclipse.equinox.launcher": ExclusionReason.EDITOR,
}
