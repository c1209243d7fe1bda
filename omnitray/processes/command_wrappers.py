"""What stands before the real command of a line, and what of it is its own: ``timeout -s TERM 9``.

A wrapper's options that take their value as a word apart are told here for each: that word is
neither the command nor a part of it.
"""

import re
from collections.abc import Sequence

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
    | {("omnitray", "run")}
)
_TRACERS = frozenset({"-o", "-e", "-p", "-s", "-u", "-E", "-P", "-a", "-n", "-l", "-x"})
_WITH_VALUE = {
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
    "omnitray": frozenset({"--memory", "--cpu", "--timeout", "--name"}),
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
        with_value = _WITH_VALUE.get(program, _NONE)
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
