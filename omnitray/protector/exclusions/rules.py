"""Who is never acted on, and why: one verdict for a process, by its program's path and its role.

The kernel's 15 letters are asked only where the path is not known, and then only to say more
precisely why the process is excluded: without a path it is excluded in any case. A shell counts
when it waits for a person; one that runs a script is a part of its job.
"""

import re
from collections.abc import Callable
from fnmatch import translate

from omnitray.base.facts import Job, ProcessDetail, ProcessFacts, ProcessIdentity
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
from omnitray.protector.exclusions.words import WordMatcher, names_by_arguments, names_of
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
        if protected and self._added(protected).hold(names, path, "", None):
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
        return self._added(words).hold(names, exe, folder, job.project)

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
