"""Tables of program names: what runs tests, what builds, and what people call applications."""

from collections.abc import Sequence

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
_WITH_VALUE = frozenset({"-W", "-X", "--check-hash-based-pycs"})


def is_ours(program: str, arguments: Sequence[str]) -> bool:
    """Whether a program of that name, started with these arguments, is a command of ours."""
    name = program.removesuffix(".exe")
    if name in _NAMES:
        return True
    return name.lower().rstrip("0123456789.") in _PYTHONS and _runs_ours(arguments[1:])


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
        if word in _WITH_VALUE:
            next(rest, None)
        elif not word.startswith("-"):
            return _is_script(word)
    return False


def _is_script(path: str) -> bool:
    folders, _, name = path.replace("\\", "/").rpartition("/")
    if name == "__main__.py":
        return folders.rpartition("/")[2] == _PACKAGE
    return name.removesuffix(".exe").removesuffix("-script.py") in _NAMES
