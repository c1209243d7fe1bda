"""Who is never acted on, and why: one verdict for a process, by its program's path and its role.

The kernel's 15 letters are asked only where the path is not known, and then only to say more
precisely why the process is excluded: without a path it is excluded in any case. A shell counts
when it waits for a person; one that runs a script is a part of its job.

What a person means by a word (a name, the path of a program, a glob, a project folder) is read by
one rule for the list of what is never touched, the rules of a person's own and the names of jobs in
commands.
"""

import functools
import posixpath
import re
from collections.abc import Callable, Iterable
from fnmatch import translate
from pathlib import PurePosixPath, PureWindowsPath

from omnitray.base.facts import Job, ProcessDetail, ProcessFacts, ProcessIdentity
from omnitray.processes.job_grouping import BY_AGENT
from omnitray.processes.naming import name_command
from omnitray.processes.process_roles import INTERPRETERS, KTHREADD, is_ours, waits_for_a_person
from omnitray.processes.process_table import ProcessDetails
from omnitray.protector.actuators.signals import Spares
from omnitray.protector.exclusions.common import (
    MACHINES,
    PERSONAL_FOLDERS,
    PERSONAL_REASONS,
    SERVERS_IN_JAVA,
    ProgramTables,
    at_work,
)
from omnitray.protector.model import ExclusionReason, Facts

_DELETED = " (deleted)"  # the kernel's word for a program that was replaced by an upgrade
_MOST_KNOWN = 20_000  # programs with their arguments; then all are looked up again
_IN_JAVA = tuple(SERVERS_IN_JAVA.items())


class ExclusionRules:
    """The tables of one platform, made ready.

    ``home`` stands for ``~`` in what a person adds; ``resolve`` says where a link leads.
    """

    def __init__(
        self, programs: ProgramTables, home: str, resolve: Callable[[str], str] = str
    ) -> None:
        self._names = {
            _folded(name, folds=programs.folds_case): reason
            for reason, names in programs.names.items()
            for name in names
        }
        flags = re.IGNORECASE if programs.folds_case else 0
        self._patterns = tuple(
            (re.compile(translate(pattern), flags), reason) for pattern, reason in programs.patterns
        )
        self._folds = programs.folds_case
        self._system_folders = programs.system_folders
        self._personal_folders = tuple(f"{home}/{folder}" for folder in PERSONAL_FOLDERS)
        self._home = home
        self._resolve = resolve
        self._known: dict[tuple[str, tuple[str, ...]], ExclusionReason | None] = {}
        self._matchers: dict[tuple[str, ...], WordMatcher] = {}

    def verdict(
        self, process: ProcessFacts, job: Job, facts: Facts, protected: tuple[str, ...]
    ) -> ExclusionReason | None:
        """Why nothing may be done to this process; None where it may be chosen."""
        detail = detail_of(process, facts)
        if (reason := _own(process, facts) or self._program(process, detail)) is not None:
            return reason
        if self.is_meant(process, job, detail, protected):
            return ExclusionReason.PERSON
        return ExclusionReason.FOREGROUND if process.pid in facts.foreground_pids else None

    def runs_machine(self, exe: str | None) -> bool:
        """Whether the program is one that runs virtual machines, also where it has to emulate.

        Then it holds no ``/dev/kvm``, and what is in the guest is lost with it all the same.
        """
        if exe is None or (self._system_folders and not exe.startswith(self._system_folders)):
            return False
        return self._base(exe).startswith(MACHINES)

    def child_exclusion(
        self, exe: str | None, arguments: tuple[str, ...], protected: tuple[str, ...]
    ) -> ExclusionReason | None:
        """The same for a process that no scan has shown yet, by its program alone."""
        if not exe:
            return ExclusionReason.UNKNOWN
        path = exe.removesuffix(_DELETED)
        base = self._base(path)
        names = {base, *names_by_arguments(arguments, base)} if protected else set()
        if protected and self._added(protected).hold(names, (path,), "", None):
            return ExclusionReason.PERSON
        return self._looked_up(path, arguments)

    def _program(
        self, process: ProcessFacts, detail: ProcessDetail | None
    ) -> ExclusionReason | None:
        if detail is None or not detail.exe:
            return self._named(process.name, ()) or ExclusionReason.UNKNOWN
        known = (detail.exe, detail.arguments)
        if known not in self._known:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[known] = self._looked_up(*known)
        return self._known[known]

    def _looked_up(self, exe: str, arguments: tuple[str, ...]) -> ExclusionReason | None:
        exe = exe.removesuffix(_DELETED)
        base = _unwrapped(self._base(exe))
        if is_ours(base, arguments):
            return ExclusionReason.OURSELVES
        reason = self._named(base, arguments) or at_work(base, arguments[1:])
        if reason is not None and not self._counts_at(exe, reason):
            reason = None
        reason = reason or self._matching(exe)
        if reason is None and base.rstrip("0123456789.") in INTERPRETERS:
            reason = self._script(base, arguments)
        return reason

    def _named(self, name: str, arguments: tuple[str, ...]) -> ExclusionReason | None:
        reason = self._names.get(_folded(name, folds=self._folds))
        if reason is ExclusionReason.SHELL and not waits_for_a_person(arguments):
            return None
        return reason

    def _counts_at(self, path: str, reason: ExclusionReason) -> bool:
        """Whether a name says what a program is, there: only where packages and installers put it.

        A person's own ``./oracle``, ``st`` or ``/tmp/x/gnome-shell`` is a program like any other.
        """
        if not self._system_folders or "/" not in path or path.startswith(self._system_folders):
            return True
        return reason in PERSONAL_REASONS and path.startswith(self._personal_folders)

    def _matching(self, exe: str) -> ExclusionReason | None:
        path = exe.replace("\\", "/").removesuffix(".exe") if self._folds else exe
        return next((reason for regex, reason in self._patterns if regex.match(path)), None)

    def _script(self, base: str, arguments: tuple[str, ...]) -> ExclusionReason | None:
        """Many are scripts: ``node /usr/bin/claude``, ``python3 /usr/bin/terminator``.

        What was installed as a command has no suffix; with one it is a person's own script, which
        an agent may be all the same.
        """
        words = arguments[1:]
        if len(arguments) == 1:  # npm writes its command over its arguments, as one
            words = tuple(arguments[0].split())
        if base.startswith("java"):
            return next((why for part, why in _IN_JAVA if any(part in w for w in words)), None)
        script = next((word for word in words if not word.startswith("-")), "")
        reason = self._named(self._base(script), words)
        installed = reason is not None and self._counts_at(script, reason)
        if installed and reason is not ExclusionReason.SHELL:
            return reason
        name = re.sub(r"\.(c?js|mjs|py)$", "", self._base(script))
        told = words[words.index(script) + 1 :] if script else ()
        if (working := at_work(name, told)) is not None and _is_installed(script):
            return working
        is_agent = self._names.get(_folded(name, folds=self._folds)) is ExclusionReason.AGENT
        return ExclusionReason.AGENT if is_agent else self._matching(script)

    def is_meant(
        self,
        process: ProcessFacts,
        job: Job,
        detail: ProcessDetail | None,
        words: tuple[str, ...],
    ) -> bool:
        """Whether a person's words mean this process, or its whole job."""
        if not words:
            return False
        exe = detail.exe.removesuffix(_DELETED) if detail and detail.exe else ""
        arguments = detail.arguments if detail else ()
        runs = names_by_arguments(arguments, process.name)
        names = {process.name, self._base(exe), *names_of(job), *runs}
        folder = detail.cwd if detail and detail.cwd else ""
        paths = (exe, self._script_path(exe, arguments, folder))
        return self._added(words).hold(names, paths, folder, job.project)

    def _script_path(self, exe: str, arguments: tuple[str, ...], folder: str) -> str:
        """Where the script is that an interpreter or a shell runs; empty for all else."""
        base = self._base(exe)
        is_shell = self._names.get(base) is ExclusionReason.SHELL
        if not is_shell and base.rstrip("0123456789.") not in INTERPRETERS:
            return ""
        for word in arguments[1:]:
            if word in _NO_SCRIPT:
                return ""
            if not word.startswith("-"):
                return posixpath.normpath(posixpath.join(folder, word))
        return ""

    def _added(self, protected: tuple[str, ...]) -> "WordMatcher":
        if protected not in self._matchers:
            self._matchers[protected] = WordMatcher(protected, self._home, self._resolve)
        return self._matchers[protected]

    def _base(self, path: str) -> str:
        """The last part; ``pathlib`` would cost as much as everything else here together."""
        return (
            path.replace("\\", "/").rpartition("/")[2] if self._folds else path.rpartition("/")[2]
        )


def detail_of(process: ProcessFacts, facts: Facts) -> ProcessDetail | None:
    """What is known of that very process."""
    detail = facts.details.get(process.pid)
    return detail if detail is not None and detail.start_ticks == process.start_ticks else None


def _own(process: ProcessFacts, facts: Facts) -> ExclusionReason | None:
    own = facts.own
    # A watched server that we have started is our child, as the watchdog is, but no part of us.
    if process.pid in own.pids and process.pid not in facts.server_pids:
        return ExclusionReason.OURSELVES
    if process.pid in own.ancestors or process.pid == 1:
        return ExclusionReason.ANCESTOR
    if KTHREADD in {process.ppid, process.pid} and process.rss_bytes == 0:
        return ExclusionReason.KERNEL
    if own.uid is not None and process.uid != own.uid:
        return ExclusionReason.OTHER_USER
    return ExclusionReason.DYING if process.state in {"Z", "X"} else None


def _is_installed(script: str) -> bool:
    """Whether a script is a command of an environment or a module, and no person's own file."""
    return "/" not in script or "/bin/" in script or "/node_modules/" in script


def _unwrapped(base: str) -> str:
    """``.kitty-wrapped``, as Nix calls a program behind a script of its own, is ``kitty``."""
    wrapped = base.startswith(".") and base.rstrip("_").endswith("-wrapped")
    return base.rstrip("_")[1:].removesuffix("-wrapped") if wrapped else base


def _folded(name: str, *, folds: bool) -> str:
    return name.lower().removesuffix(".exe") if folds else name


def child_exclusion_check(
    protection: ExclusionRules, details: ProcessDetails, protected: Callable[[], tuple[str, ...]]
) -> Spares:
    """What asks ``protection`` about one process; ``protected`` is what the person added."""

    def why(process: ProcessIdentity) -> str:
        seen = ProcessFacts(
            pid=process.pid, ppid=0, start_ticks=process.start_ticks, name="", state=""
        )
        arguments = details.cmdline(seen) or ()
        reason = protection.child_exclusion(process.exe, arguments, protected())
        return reason.sentence if reason else ""

    return why


_MOST_NEAR = 3
_NO_SCRIPT = frozenset(("-c", "-m", "-e", "-p", "--eval", "--print"))  # code or a module follows
_SCRIPT_SUFFIX = re.compile(r"\.(?:py|pyw|js|mjs|cjs|ts|rb|pl|php|lua|jl|R|jar|sh|bash|zsh|fish)$")
_GLOB = frozenset("*?[")


@functools.lru_cache(maxsize=2048)
def spoken_names(name: str) -> frozenset[str]:
    """The names that a person may use for what a job's title calls so.

    ``python sleeper.py`` is also ``sleeper.py`` and ``sleeper``, ``python -m http.server`` is
    ``http.server``. The interpreter alone is not meant: its name would mean every script.
    """
    bare = name.removeprefix(BY_AGENT)
    first, _, rest = bare.partition(" ")
    script = rest.removeprefix("-m ") if first in INTERPRETERS and rest else bare
    said = {name, bare} if script.startswith("-") else {name, bare, script}
    return frozenset(said | {_SCRIPT_SUFFIX.sub("", each) for each in said} - {""})


@functools.lru_cache(maxsize=4096)
def names_by_arguments(arguments: tuple[str, ...], name: str) -> frozenset[str]:
    """The names of one process by what it runs: a script within a job that is called otherwise."""
    return spoken_names(name_command(arguments, name).name) if arguments else frozenset()


def names_of(job: Job) -> frozenset[str]:
    """The names of a job as its title says them, with and without its project."""
    said = spoken_names(job.name)
    if job.project is None:
        return said
    return said | {f"{each} · {job.project}" for each in said}


def meant_by_name(wanted: str, jobs: Iterable[Job]) -> list[Job]:
    """The jobs of that name; without one, those whose title has these letters in it."""
    exact = [job for job in jobs if wanted in names_of(job)]
    letters = wanted.casefold()
    return exact or [job for job in jobs if letters in job.title.casefold()]


def near_names(word: str, jobs: Iterable[Job]) -> tuple[str, ...]:
    """Names of jobs that a word may have been meant for, though it means none of them."""
    letters = _SCRIPT_SUFFIX.sub("", word.rstrip("/*").rpartition("/")[2].casefold())
    if not letters:
        return ()
    from difflib import get_close_matches  # noqa: PLC0415 - few commands need it

    names = {each.casefold(): job.name for job in jobs for each in spoken_names(job.name)}
    close = get_close_matches(letters, names, _MOST_NEAR)
    found = dict.fromkeys(names[each] for each in close)
    found |= dict.fromkeys(name for each, name in names.items() if letters in each)
    return tuple(found)[:_MOST_NEAR]


class WordMatcher:
    """Names, paths of programs, globs, project folders.

    ``~`` stands for the person's folder, which is also where a relative path starts. Where a word
    is a link, what it leads to is meant as well: the kernel shows no links.
    """

    def __init__(self, words: tuple[str, ...], home: str, resolve: Callable[[str], str]) -> None:
        self._projects = {word.rstrip("/") for word in words if word.startswith("~")}
        expanded = [_expanded(word, home) for word in words if word]
        globs = [word for word in expanded if _GLOB & set(word)]
        self._globs = tuple(re.compile(translate(word)) for word in globs)
        plain = set(expanded) - set(globs)
        self._plain = plain | {resolve(word) for word in plain if "/" in word or "\\" in word}

    def hold(
        self, names: set[str], paths: tuple[str, ...], folder: str, project: str | None
    ) -> bool:
        """Whether one of them means this process; ``paths`` are of its program and its script."""
        places = _upwards(folder)
        if not self._plain.isdisjoint((*names, *paths, *places)):
            return True
        if project is not None and (project in self._projects or project in self._plain):
            return True
        texts = (*names, *paths, *places, project or "")
        return any(regex.match(text) for regex in self._globs for text in texts if text)


def _expanded(word: str, home: str) -> str:
    bare = word.rstrip("/\\") or word
    if bare == "~" or bare.startswith("~/"):
        return f"{home}{bare[1:]}"
    is_relative = "/" in bare and " " not in bare and bare[0] not in "/*?["
    return f"{home}/{bare.removeprefix('./')}" if is_relative and ":" not in bare else bare


def _upwards(folder: str) -> tuple[str, ...]:
    """The folder and all those above it."""
    if not folder:
        return ()
    path = PureWindowsPath(folder) if "\\" in folder else PurePosixPath(folder)
    return (folder.rstrip("/"), *(str(parent) for parent in path.parents))
