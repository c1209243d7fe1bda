r"""What a person would call a command: ``pytest``, ``cargo build``, ``npm test``, ``train.py``.

The argument vector is read from the left: wrappers (``sudo``, ``env``, ``uv run``) are taken off,
an interpreter gives way to what it interprets, and tools that do many things keep the word that
says which.

The path of a cgroup names applications and services (:func:`unit_of`). Desktops start each
application in a unit of its own, named by the XDG convention for systemd
(systemd.io/DESKTOP_ENVIRONMENTS): ``app[-<launcher>]-<id>-<random>.scope`` or
``app[-<launcher>]-<id>[@<random>].service``, with ``\x2d`` for a dash in a name. Snap and flatpak
have their own: ``snap.<package>.<app>-<uuid>.scope``, ``app-flatpak-<id>-<number>.scope``.
"""

import enum
import functools
import itertools
import re
import shlex
from collections.abc import Iterator, Sequence

import msgspec

from omnitray.base.facts import JobKind
from omnitray.processes.process_roles import (
    AGENT_NAMES,
    AGENTS,
    APPLICATIONS,
    BUILDS,
    HELPERS,
    INTERPRETERS,
    JAVA_MAINS,
    OURSELVES,
    PLAIN_WORDS,
    RUNS_TESTS,
    TEST_WORDS,
    WITH_SUBCOMMAND,
    WITH_TWO_WORDS,
    is_shell,
    own_command,
    wrapped_run,
)

_RUNS = {JobKind.TEST_RUN: 6, JobKind.BUILD: 5, JobKind.AGENT: 4}
_SCRIPT, _PROGRAM, _HELPER, _SHELL = 3, 2, 1, 0
_SCRIPT_SUFFIXES = (".sh", ".bash", ".zsh", ".fish")


def rank(name: str, kind: JobKind) -> int:
    """The higher, the more it says of what the whole is for."""
    if kind in _RUNS:
        return _RUNS[kind]
    first = name.partition(" ")[0]
    if is_shell(first):
        return _SHELL
    if first in HELPERS:
        return _HELPER
    return _SCRIPT if first in INTERPRETERS or name.endswith(_SCRIPT_SUFFIXES) else _PROGRAM


def says_little(name: str, kind: JobKind) -> bool:
    """Whether it is the name of a shell, or of a helper in a line of others."""
    return rank(name, kind) <= _HELPER


# With how many words of its own follow (beside options, assignments and figures).
_WRAPPERS = {
    **dict.fromkeys(("sudo", "doas", "nohup", "setsid", "time", "nice", "ionice", "stdbuf"), 0),
    **dict.fromkeys(("env", "xvfb-run", "systemd-run", "systemd-inhibit", "dbus-run-session"), 0),
    **dict.fromkeys(("npx", "bunx", "uvx", "pipx", "unbuffer", "ltrace", "strace", "command"), 0),
    **dict.fromkeys(("exec", "caffeinate", "catchsegv", "valgrind", "faketime", "chrt"), 0),
    **dict.fromkeys(("timeout", "taskset", "xargs"), 0),
    **dict.fromkeys(("flock", "chroot"), 1),
}
_WRAPPER_WORDS = frozenset(
    {("uv", "run"), ("poetry", "run"), ("pdm", "run"), ("hatch", "run"), ("pipenv", "run")}
    | {("bundle", "exec"), ("pnpm", "exec"), ("npm", "exec"), ("conda", "run"), ("rye", "run")}
)
_TRACERS = frozenset({"-o", "-e", "-p", "-s", "-u", "-E", "-P", "-a", "-n", "-l", "-x"})
_OPTIONS_WITH_VALUE = {
    "sudo": frozenset(
        {"-u", "-g", "-p", "-C", "-D", "-R", "-T", "-h", "-r", "-t", "-U"}
        | {"--user", "--group", "--prompt", "--chdir", "--host"}
    ),
    "doas": frozenset({"-u", "-C"}),
    "env": frozenset({"-u", "-C", "--unset", "--chdir"}),
    "timeout": frozenset({"-s", "-k", "--signal", "--kill-after"}),
    "nice": frozenset({"-n", "--adjustment"}),
    "ionice": frozenset({"-c", "-n", "--class", "--classdata"}),
    "stdbuf": frozenset({"-i", "-o", "-e", "--input", "--output", "--error"}),
    "time": frozenset({"-f", "-o", "--format", "--output"}),
    "chrt": frozenset({"-T", "-P", "-D"}),
    "flock": frozenset({"-w", "-E", "--timeout", "--conflict-exit-code"}),
    "systemd-run": frozenset(
        {"-p", "-u", "-E", "-M", "-H", "--unit", "--property", "--setenv", "--slice"}
        | {"--description", "--uid", "--gid", "--working-directory"}
    ),
    "systemd-inhibit": frozenset({"--what", "--who", "--why", "--mode"}),
    "xvfb-run": frozenset({"-n", "-e", "-f", "-p", "-s", "-w", "--server-args", "--server-num"}),
    "dbus-run-session": frozenset({"--config-file", "--dbus-daemon"}),
    "xargs": frozenset(
        {"-n", "-P", "-I", "-L", "-d", "-a", "-s", "-E"}
        | {"--max-args", "--max-procs", "--max-lines", "--delimiter", "--arg-file"}
    ),
    "strace": _TRACERS,
    "ltrace": _TRACERS,
    "exec": frozenset({"-a"}),
    "caffeinate": frozenset({"-t", "-w"}),
    "npx": frozenset({"-p", "--package"}),
    "uvx": frozenset({"-p", "--python", "--with", "--from"}),
    "uv": frozenset(
        {"-p", "--python", "--with", "--extra", "--group", "--env-file", "--project"}
        | {"--directory", "--package", "--with-requirements", "--index"}
    ),
    "poetry": frozenset({"-C", "--directory", "-P", "--project"}),
    "conda": frozenset({"-n", "-p", "--name", "--prefix", "--cwd"}),
}
_NONE: frozenset[str] = frozenset()
ASSIGNMENT = re.compile(r"^[A-Za-z_]\w*=")
_FIGURE = re.compile(r"^[\d.:,+-]+[smhd]?$|^0x[0-9a-f]+$")


def program_of(word: str) -> str:
    """The program that the first word of a command means."""
    name = word.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return name.removeprefix("-").removesuffix(".exe") or word


def unwrapped(words: list[str]) -> list[str]:
    """Without what stands before the real command; with it where nothing else is there."""
    while words:
        program = program_of(words[0])
        with_value = _OPTIONS_WITH_VALUE.get(program, _NONE)
        if program in _WRAPPERS:
            rest = _after_options(words[1:], _WRAPPERS[program], with_value)
        elif len(words) > 1 and (program, words[1]) in _WRAPPER_WORDS:
            rest = _after_options(words[2:], 0, with_value)
        else:
            return words
        if not rest:
            return words
        words = rest
    return words


def _after_options(words: Sequence[str], own: int, with_value: frozenset[str]) -> list[str]:
    """The words after options, assignments, times and priorities, and ``own`` more."""
    index = 0
    while index < len(words):
        word = words[index]
        if word == "--":
            return _after_figures(words[index + 1 :], own)
        if word in with_value:
            index += 1
        elif not word.startswith("-") and not ASSIGNMENT.match(word) and not _FIGURE.match(word):
            return list(words[index + own :])
        index += 1
    return []


def _after_figures(words: Sequence[str], own: int) -> list[str]:
    """The command after ``--``: ``timeout -- 9 make`` still has its time before it."""
    index = 0
    while index < len(words) and (_FIGURE.match(words[index]) or ASSIGNMENT.match(words[index])):
        index += 1
    return list(words[index + own :])


_VERSION = re.compile(r"[\d.]*\d(\.exe)?$|\.exe$")
_SCRIPT_ENDS = (".js", ".mjs", ".cjs", ".jar", ".rb", ".phar")
# Options of the interpreters whose value stands apart.
_WITH_VALUE = frozenset({"-W", "-X", "-r", "--require", "-I", "--import", "--loader", "-cp"})
_PREPARATIONS = frozenset({"cd", "source", ".", "export", "set", "ulimit", "umask", "pushd", "["})
_KEYWORDS = frozenset({"while", "until", "if", "then", "do", "else", "elif", "!", "{", "time"})
# What follows these words is no command.
# These of a shell are commands, and say nothing of what a line is for.
_OF_THE_SHELL = frozenset({"exit", "return", "wait", "trap", "unset", "shift", "read", "local"})
_NO_COMMANDS = _OF_THE_SHELL | frozenset(
    {"for", "case", "select", "done", "fi", "esac", "}", "function", "[["}
)
_PUNCTUATION = ";&|()<>\n"
_OPEN_FILES = ("/dev/fd/", "/proc/self/fd/")
_RUNNERS = RUNS_TESTS | BUILDS | INTERPRETERS | AGENTS | {"omnitray"}
_LONGEST = 60


class CommandName(msgspec.Struct, frozen=True):
    """The name, and what kind of job a command with that name is."""

    name: str
    kind: JobKind


def name_command(arguments: Sequence[str] | None, comm: str) -> CommandName:
    """The name for these arguments of a process that the kernel calls ``comm``."""
    words = unwrapped(list(arguments or ()))
    if (run := wrapped_run(words)) is not None and run[1]:
        name, command = run
        inner = name_command(command, program_of(command[0]))
        return CommandName(name or inner.name, inner.kind)
    found = _found(words, comm)
    if found.name == OURSELVES and (command_ := own_command(words)):
        return _plain(f"{OURSELVES.lower()} {command_}")  # it is not the program that watches
    if not found.name.isdecimal():  # as a program has that is run from an open file
        return found
    named = [name for name in (*map(program_of, words[:1]), comm) if not name.isdecimal()]
    return CommandName(named[0] if named else "program", found.kind)


def _found(words: list[str], comm: str) -> CommandName:
    if not words or (len(words) == 1 and " " in words[0].strip()):
        return _retitled(words, comm)
    program = program_of(words[0])
    if is_shell(program):
        return _shell(words, program)
    if _VERSION.sub("", program) in INTERPRETERS:
        return _interpreted(_VERSION.sub("", program), words[1:])
    return _named(program, words[1:])


def beside_others(found: CommandName) -> CommandName:
    """What it is called as a part of something else: that is not OmniTray for having asked it."""
    return _plain(OURSELVES.lower()) if found.name == OURSELVES else found


def may_be_a_run(comm: str) -> bool:
    """Whether it is worth the look: only these are ever named a test run, a build or an agent."""
    return comm in _RUNNERS or comm.rstrip("0123456789.") in _RUNNERS or " " in comm


def _retitled(words: list[str], comm: str) -> CommandName:
    """A process without arguments, or one that wrote a title over them (``npm test``, nginx)."""
    title = words[0].split() if words else []
    if title and program_of(title[0]) in WITH_SUBCOMMAND:
        return _named(program_of(title[0]), title[1:])
    return _named(comm, [])


def _shell(words: list[str], program: str) -> CommandName:
    rest = list(words[1:])
    while rest and rest[0].startswith(("-", "+")):
        option = rest.pop(0)
        if not option.startswith("--") and "c" in option and rest:
            return _line(rest[0], program)
    script = program_of(rest[0]) if rest and not rest[0].startswith(_OPEN_FILES) else program
    application = APPLICATIONS.get(script.removesuffix(".sh"))
    return CommandName(application, JobKind.APP) if application else _plain(script)


def _line(line: str, shell: str) -> CommandName:
    """The command of a line that says most of what it is for; the first of several."""
    named = []
    for command in _commands(line):
        words = unwrapped(command)
        program = program_of(words[0]) if words else shell
        if program not in _PREPARATIONS | _NO_COMMANDS and not is_shell(program):
            named.append(beside_others(name_command(words, program)))
    return max(named, key=lambda each: rank(each.name, each.kind), default=_plain(shell))


def _commands(line: str) -> Iterator[list[str]]:
    """The simple commands of a line, as far as they can be found without being a shell."""
    reader = shlex.shlex(line, posix=True, punctuation_chars=_PUNCTUATION)
    reader.whitespace = " \t\r"
    reader.whitespace_split = True
    command: list[str] = []
    try:
        for word in reader:
            if word.strip(_PUNCTUATION):
                command.append(word)
            elif _redirects(word):
                _redirect(command, reader)
            else:
                yield _bare(command)
                command = []
    except ValueError:  # a quote that is never closed
        command = line.split()
    yield _bare(command)


def _redirects(word: str) -> bool:
    return ("<" in word or ">" in word) and "(" not in word


def _redirect(command: list[str], reader: Iterator[str]) -> None:
    """Neither ``2`` nor the file of ``2> file`` is a part of the command."""
    if command and command[-1].isdecimal():
        command.pop()
    next(reader, None)


def _bare(words: list[str]) -> list[str]:
    """Without the words of the shell and the assignments before it."""
    return list(
        itertools.dropwhile(lambda each: each in _KEYWORDS or ASSIGNMENT.match(each), words)
    )


def _interpreted(interpreter: str, words: list[str]) -> CommandName:
    if interpreter == "java":
        return _java(words)
    rest = list(words)
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option == "-m" and interpreter in {"python", "pypy"} and rest:
            return _module(interpreter, rest)
        if option in {"-c", "-e", "--eval", "-E", "-p"}:
            return _plain(f"{interpreter} {option}")
        if option in _WITH_VALUE and rest:
            rest.pop(0)
    return _script(interpreter, rest) if rest else _plain(interpreter)


def _module(interpreter: str, words: list[str]) -> CommandName:
    name = words[0].partition(".__main__")[0]
    known = _named(name.rpartition(".")[2] if name in RUNS_TESTS else name, words[1:])
    return known if known.kind is not JobKind.COMMAND else _plain(f"{interpreter} -m {name}")


def _script(interpreter: str, words: list[str]) -> CommandName:
    if words[0].startswith(_OPEN_FILES):
        return _plain(interpreter)
    path = words[0].replace("\\", "/")
    name = _tool_of_script(path)
    if name is not None:
        return _named(name, words[1:])
    return _plain(f"{interpreter} {program_of(path)}")


def _tool_of_script(path: str) -> str | None:
    """The tool whose script this is: ``…/bin/pytest``, ``…/node_modules/jest/bin/jest.js``."""
    name = program_of(path)
    package = path.rpartition("node_modules/")[2].split("/")[0] if "node_modules/" in path else ""
    for candidate in (name, name.partition(".")[0].removesuffix("-cli"), package):
        if candidate in RUNS_TESTS | BUILDS | AGENTS or candidate in WITH_SUBCOMMAND:
            return candidate
    if name == "manage.py" or "." in name:
        return package if package and name.endswith(_SCRIPT_ENDS) else None
    return name if "/bin/" in path else None


def _java(words: list[str]) -> CommandName:
    for index, word in enumerate(words):
        for prefix, name in JAVA_MAINS:
            if word.startswith(prefix) or f"/{prefix}" in word:
                return _named(*_split(name))
        if word == "-jar" and index + 1 < len(words):
            return _plain(f"java {program_of(words[index + 1])}")
    mains = [word for word in words if not word.startswith("-") and "/" not in word]
    return _plain(f"java {mains[0].rpartition('.')[2]}" if mains else "java")


def _split(name: str) -> tuple[str, list[str]]:
    first, _, rest = name.partition(" ")
    return (first, rest.split()) if first in BUILDS else (name, [])


def _named(program: str, words: list[str]) -> CommandName:
    if program in AGENTS:
        return CommandName(AGENT_NAMES.get(program, program), JobKind.AGENT)
    if program in APPLICATIONS:
        return CommandName(APPLICATIONS[program], JobKind.APP)
    bare = _VERSION.sub("", program) if program not in RUNS_TESTS else program
    if bare in {"pytest", "py.test"}:
        return CommandName("pytest", JobKind.TEST_RUN)
    if bare in RUNS_TESTS:
        return CommandName(bare, JobKind.TEST_RUN)
    spoken = [word for word in words if not word.startswith("-") and not ASSIGNMENT.match(word)]
    tested = bare in {"make", "gmake", "ninja", "gradle", "mvn"} and TEST_WORDS & set(spoken)
    if tested:
        return CommandName(f"{bare} {min(tested)}", JobKind.TEST_RUN)
    if bare in WITH_SUBCOMMAND:
        return _with_subcommand(bare, spoken)
    return CommandName(_short(program), JobKind.BUILD if bare in BUILDS else JobKind.COMMAND)


def _with_subcommand(program: str, spoken: list[str]) -> CommandName:
    if not spoken:
        return _plain(program)
    first = spoken[0]
    two = (program, first) in WITH_TWO_WORDS and len(spoken) > 1
    word = spoken[1] if two else first
    name = _short(f"{program} {first} {word}" if two else f"{program} {first}")
    if word.partition(":")[0] in TEST_WORDS or (program, word) == ("dotnet", "vstest"):
        return CommandName(name, JobKind.TEST_RUN)
    build = program in BUILDS and word.partition(":")[0] not in PLAIN_WORDS
    return CommandName(name, JobKind.BUILD if build else JobKind.COMMAND)


def _plain(name: str) -> CommandName:
    return CommandName(_short(name), JobKind.COMMAND)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"


_LAUNCHERS = ("gnome", "flatpak", "KDE", "kde", "plasma", "dbus", "gtk", "uwsm", "xfce", "hypr")
_ESCAPE = re.compile(r"\\x([0-9a-f]{2})")
_APP_SCOPE = re.compile(r"^app-(?P<id>.+)-(?P<random>[0-9a-f]+)\.scope$")
_APP_SERVICE = re.compile(r"^app-(?P<id>[^@]+)(?:@[^@]*)?\.service$")
_SNAP = re.compile(r"^snap\.(?P<package>[^.]+)\.(?P<app>[^-]+(?:-(?![0-9a-f]{8}-)[^-]+)*)[-.]")
_CONTAINER = re.compile(r"^(?:docker|libpod|crio|cri-containerd)-[0-9a-f]{12,}\.scope$")
# Units that hold whatever happens to be started there: they say nothing.
_MIXED = re.compile(
    r"^(?:user@\d+\.service|session-\w+\.scope|init\.scope|run-\w+\.(?:scope|service)|"
    r"vte-spawn-.*|tmux-spawn-.*|tab\(\d+\)\.scope|omnitray-.*|.*\.slice)$"
)
_TERMINAL_IDS = (
    *("terminal", "konsole", "console", "ptyxis", "alacritty", "kitty", "foot", "wezterm"),
    *("xterm", "tilix", "terminator", "yakuake", "guake", "tilda", "ghostty", "blackbox"),
    *("tmux", "zellij", "warp"),
)


class UnitKind(enum.Enum):
    """Who is in a unit."""

    APP = "app"
    TERMINAL = "terminal"  # an application that holds what a person starts in it
    SERVICE = "service"  # of the person
    SYSTEM = "system"  # of the machine
    MIXED = "mixed"  # holds processes of any origin


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """A unit; ``name`` is readable, empty for mixed ones."""

    kind: UnitKind
    name: str = ""


_NOTHING = Unit(kind=UnitKind.MIXED)


@functools.lru_cache(maxsize=1024)
def unit_of(cgroup: str | None) -> Unit:
    """What the last part of a path that is a unit says."""
    parts = [part for part in (cgroup or "").split("/") if part]
    while parts and not parts[-1].endswith((".scope", ".service", ".slice")):
        parts.pop()  # what a unit divides itself into
    if not parts or _MIXED.match(parts[-1]):
        return _NOTHING
    return _unit(parts[-1], system="user.slice" not in parts)


def _unit(last: str, *, system: bool) -> Unit:
    if found := _SNAP.match(last):
        return _app(_unescape(found["package"]))
    if found := _APP_SCOPE.match(last) or _APP_SERVICE.match(last):
        return _app(_without_launcher(found["id"]))
    if _CONTAINER.match(last):
        return Unit(kind=UnitKind.SERVICE)
    stem = _unescape(last.rpartition(".")[0]).partition("@")[0]
    if stem.endswith("gnome-terminal-server"):
        return Unit(kind=UnitKind.TERMINAL, name="GNOME Terminal")
    if last.endswith(".service"):
        return Unit(kind=UnitKind.SYSTEM if system else UnitKind.SERVICE, name=stem)
    return _NOTHING


def _app(identifier: str) -> Unit:
    words = identifier.lower()
    terminal = any(word in words for word in _TERMINAL_IDS)
    return Unit(kind=UnitKind.TERMINAL if terminal else UnitKind.APP, name=identifier)


def _without_launcher(escaped: str) -> str:
    launcher, dash, rest = escaped.partition("-")
    return _unescape(rest if dash and launcher in _LAUNCHERS else escaped)


def _unescape(text: str) -> str:
    plain = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
    return plain if plain.isprintable() else text


def readable_name(app: str) -> str:
    """``org.mozilla.firefox`` → Firefox, ``org.kde.kcalc`` → Kcalc."""
    last = app.removesuffix(".desktop").rpartition(".")[2]
    for candidate in (app, last, last.lower()):
        if candidate in APPLICATIONS:
            return APPLICATIONS[candidate]
    words = last.replace("-", " ").replace("_", " ").strip()
    return words[:1].upper() + words[1:]
