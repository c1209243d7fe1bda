"""What a process is, by its name alone: its role for those below it, and the tables of programs.

The kernel keeps 15 letters of a name, so longer ones stand here as it cuts them.
"""

import enum
from collections.abc import Sequence

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


OURSELVES = "OmniTray"
RUNS_TESTS = frozenset(
    (
        *("pytest", "py.test", "tox", "nox", "unittest", "nose2", "trial", "behave", "robot"),
        *("jest", "vitest", "mocha", "ava", "karma", "playwright", "cypress", "tap", "wdio"),
        *("rspec", "minitest", "ctest", "phpunit", "pest", "prove", "bats", "busted", "ginkgo"),
        *("nextest", "cargo-nextest", "gotestsum", "mutmut", "stress-ng"),
    )
)
BUILDS = frozenset(
    (
        *("make", "gmake", "ninja", "cmake", "meson", "scons", "bazel", "buck2", "pants", "waf"),
        *("cargo", "rustc", "gcc", "g++", "cc", "c++", "clang", "clang++", "ld", "lld", "mold"),
        *("cc1", "cc1plus", "go", "javac", "gradle", "mvn", "sbt", "ant", "kotlinc", "scalac"),
        *("msbuild", "dotnet", "swift", "xcodebuild", "zig", "ghc", "stack", "cabal", "mix"),
        *("tsc", "webpack", "rollup", "esbuild", "parcel", "turbo", "nx", "next", "vite"),
        *("npm", "pnpm", "yarn", "bun", "deno", "pip", "uv", "poetry", "hatch", "pdm", "conda"),
        *("docker", "podman", "buildah", "nix", "nix-build", "guix", "dpkg-buildpackage"),
        *("rpmbuild", "debuild", "flatpak-builder", "snapcraft", "sphinx-build", "latexmk"),
        *("pdflatex", "xelatex", "lualatex", "bundle", "rake", "composer", "pyinstaller"),
    )
)
# Their first word says what they do: ``cargo build``, ``npm test``, ``docker build``.
WITH_SUBCOMMAND = frozenset(
    (
        *("cargo", "go", "npm", "pnpm", "yarn", "bun", "deno", "pip", "uv", "poetry", "hatch"),
        *("pdm", "conda", "docker", "podman", "buildah", "git", "dotnet", "bazel", "buck2", "nix"),
        *("swift", "zig", "mix", "bundle", "composer", "apt", "apt-get", "dnf", "pacman", "brew"),
        *("terraform", "kubectl", "helm", "flutter", "turbo", "nx", "next", "vite", "stack"),
        *("cabal", "rails", "artisan", "jupyter", "meson", "gh"),
    )
)
# A second word is part of the name: ``npm run build``, ``uv pip install``.
WITH_TWO_WORDS = frozenset({("npm", "run"), ("pnpm", "run"), ("yarn", "run"), ("bun", "run")})
TEST_WORDS = frozenset({"test", "tests", "check", "t", "tst", "nextest", "e2e", "bench"})
# What these do is neither test nor build, whichever program does it.
PLAIN_WORDS = frozenset(
    {"start", "dev", "serve", "preview", "run", "exec", "ps", "logs", "clone", "fetch", "status"}
)
INTERPRETERS = frozenset(
    {"python", "pypy", "node", "nodejs", "ruby", "perl", "php", "lua", "java", "Rscript", "julia"}
)
# They pass things on, wait, or stand before a command: nothing is named after them but themselves.
HELPERS = frozenset(
    (
        *("tail", "head", "grep", "egrep", "fgrep", "cat", "tac", "less", "more", "most", "tee"),
        *("sort", "uniq", "sleep", "wc", "cut", "tr", "sed", "awk", "gawk", "echo", "printf"),
        *("column", "nl", "rev", "pv", "ts", "yes", "true", "false", "test", "wait", "xargs"),
        *("time", "timeout", "env", "nice", "ionice", "nohup", "sudo", "doas", "setsid", "stdbuf"),
        *("exec", "command", "read", "mkdir", "rm", "cp", "mv", "ls", "pwd", "date", "kill"),
    )
)
APPLICATIONS = {
    "firefox": "Firefox",
    "firefox-esr": "Firefox",
    "firefox-bin": "Firefox",
    "chrome": "Chrome",
    "google-chrome": "Chrome",
    "chromium": "Chromium",
    "chromium-browser": "Chromium",
    "brave": "Brave",
    "brave-browser": "Brave",
    "vivaldi-bin": "Vivaldi",
    "microsoft-edge": "Edge",
    "msedge": "Edge",
    "opera": "Opera",
    "epiphany": "GNOME Web",
    "thunderbird": "Thunderbird",
    "thunderbird-bin": "Thunderbird",
    "code": "VS Code",
    "code-oss": "VS Code",
    "codium": "VSCodium",
    "cursor": "Cursor",
    "windsurf": "Windsurf",
    "zed": "Zed",
    "zed-editor": "Zed",
    "pycharm": "PyCharm",
    "idea": "IntelliJ IDEA",
    "clion": "CLion",
    "goland": "GoLand",
    "webstorm": "WebStorm",
    "rustrover": "RustRover",
    "studio": "Android Studio",
    "sublime_text": "Sublime Text",
    "emacs": "Emacs",
    "gvim": "GVim",
    "kate": "Kate",
    "gedit": "gedit",
    "slack": "Slack",
    "discord": "Discord",
    "Discord": "Discord",
    "telegram-desktop": "Telegram",
    "signal-desktop": "Signal",
    "teams": "Teams",
    "zoom": "Zoom",
    "spotify": "Spotify",
    "steam": "Steam",
    "obs": "OBS Studio",
    "vlc": "VLC",
    "mpv": "mpv",
    "gimp": "GIMP",
    "inkscape": "Inkscape",
    "blender": "Blender",
    "soffice.bin": "LibreOffice",
    "nautilus": "Files",
    "dolphin": "Dolphin",
    "thunar": "Thunar",
    "evince": "Evince",
    "okular": "Okular",
    "konsole": "Konsole",
    "gnome-terminal-": "GNOME Terminal",
    "gnome-terminal-server": "GNOME Terminal",
    "alacritty": "Alacritty",
    "kitty": "kitty",
    "ptyxis": "Ptyxis",
    "kgx": "GNOME Console",
    "xfce4-terminal": "Xfce Terminal",
    "xterm": "xterm",
    "tmux: server": "tmux",
    "obsidian": "Obsidian",
    "libreoffice": "LibreOffice",
    "omnitray": OURSELVES,
    "omnitray-tray": OURSELVES,
    "virt-manager": "Virtual Machine Manager",
}
AGENT_NAMES = {
    "claude": "Claude Code",
    "codex": "Codex",
    "gemini": "Gemini CLI",
    "cursor-agent": "Cursor Agent",
    "copilot": "Copilot CLI",
}
JAVA_MAINS = (
    ("org.gradle", "gradle"),
    ("org.codehaus.plexus.classworlds", "mvn"),
    ("org.apache.maven", "mvn"),
    ("org.junit", "JUnit"),
    ("surefire", "mvn test"),
    ("sbt", "sbt"),
    ("com.intellij.idea", "IntelliJ IDEA"),
    ("org.eclipse", "Eclipse"),
)


# Python's multiprocessing starts them beside its workers, as ``python -c "from … import main; …"``.
_BESIDE_WORKERS = tuple(
    f"from multiprocessing.{module} import main"
    for module in ("resource_tracker", "semaphore_tracker", "forkserver")
)


def helps_workers(arguments: Sequence[str]) -> bool:
    """Whether a process looks after workers and is none itself."""
    return any(word.startswith(_BESIDE_WORKERS) for word in arguments[1:])


_NAMES = frozenset({"omnitray", "omnitray-tray"})
_PACKAGE = "omnitray"
_PYTHONS = frozenset({"python", "pythonw", "pypy"})
_OWN_OPTIONS_WITH_VALUE = frozenset({"-W", "-X", "--check-hash-based-pycs"})


def is_ours(program: str, arguments: Sequence[str]) -> bool:
    """Whether a program of that name, started with these arguments, is a command of ours."""
    name = program.removesuffix(".exe")
    if name in _NAMES:
        return True
    return name.lower().rstrip("0123456789.") in _PYTHONS and _runs_ours(arguments[1:])


def own_command(arguments: Sequence[str]) -> str:
    """The command of ours that is run: ``top``; empty for the program itself and anything else."""
    words = list(arguments)
    program = words[0].replace("\\", "/").rpartition("/")[2] if words else ""
    own = (
        word
        for place, word in enumerate(words)
        if place and not word.startswith("-") and is_ours(program, words[:place])
    )
    return next(own, "")


_RUN_WITH_VALUE = frozenset({"--name", "--memory", "--cpu", "--timeout"})


def wrapped_run(arguments: Sequence[str]) -> tuple[str, list[str]] | None:
    """The name and the command of ``omnitray run``; None for anything else."""
    rest = list(arguments)
    if not rest or not is_ours(rest[0].replace("\\", "/").rpartition("/")[2], rest):
        return None
    at = next((place for place, word in enumerate(rest) if word == "run"), 0)
    # Before it stand the interpreter, its options, the script or ``-m omnitray``.
    if not at or not is_ours(rest[0].replace("\\", "/").rpartition("/")[2], rest[:at]):
        return None
    name = ""
    words = iter(rest[at + 1 :])
    for word in words:
        option, joined, value = word.partition("=")
        if option in _RUN_WITH_VALUE:
            value = value if joined else next(words, "")
            name = value if option == "--name" else name
        elif word == "--":
            return name, list(words)
        elif not word.startswith("-"):
            return name, [word, *words]
    return name, []


def _runs_ours(words: Sequence[str]) -> bool:
    rest = iter(words)
    for word in rest:
        if word == "-m":
            return next(rest, "").partition(".")[0] == _PACKAGE
        if word == "-c":
            return False
        if word in _OWN_OPTIONS_WITH_VALUE:
            next(rest, None)
        elif not word.startswith("-"):
            return _is_script(word)
    return False


def _is_script(path: str) -> bool:
    folders, _, name = path.replace("\\", "/").rpartition("/")
    if name == "__main__.py":
        return folders.rpartition("/")[2] == _PACKAGE
    return name.removesuffix(".exe").removesuffix("-script.py") in _NAMES
