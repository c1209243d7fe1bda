"""Who is never acted on, and why: one verdict for a process, by its program's path and its role.

The kernel's 15 letters are asked only where the path is not known, and then only to say more
precisely why the process is spared: without a path it is spared in any case. A shell counts when
it waits for a person; one that runs a script is a part of its job.
"""

import re
from fnmatch import translate
from pathlib import PurePosixPath, PureWindowsPath

from omnitray.core.deciding.protect_reasons import SparedReason
from omnitray.core.deciding.protected_programs import Programs
from omnitray.core.deciding.protection import Facts, ProcessDetail
from omnitray.core.facts import Job, ProcessFacts
from omnitray.core.processes.known_programs import INTERPRETERS
from omnitray.core.processes.own_programs import is_ours
from omnitray.core.processes.process_roles import KTHREADD, waits_for_a_person

_DELETED = " (deleted)"  # the kernel's word for a program that was replaced by an upgrade
_MOST_KNOWN = 20_000  # programs with their arguments; then all are looked up anew
_GLOB = frozenset("*?[")


class Protection:
    """The tables of one platform, made ready; ``home`` stands for ``~`` in what a person adds."""

    def __init__(self, programs: Programs, home: str) -> None:
        self._names = {
            _folded(name, folds=programs.folds_case): reason
            for reason, names in programs.names.items()
            for name in names
        }
        self._patterns = tuple(
            (re.compile(translate(pattern)), reason) for pattern, reason in programs.patterns
        )
        self._folds = programs.folds_case
        self._home = home
        self._known: dict[tuple[str, tuple[str, ...]], SparedReason | None] = {}
        self._additions: dict[tuple[str, ...], _Additions] = {}

    def verdict(
        self, process: ProcessFacts, job: Job, facts: Facts, protected: tuple[str, ...]
    ) -> SparedReason | None:
        """Why nothing may be done to this process; None where it may be chosen."""
        detail = detail_of(process, facts)
        return (
            _own(process, facts)
            or self._program(process, detail)
            or self._person(process, job, detail, protected)
            or (SparedReason.FOREGROUND if process.pid in facts.foreground_pids else None)
        )

    def newborn(
        self, exe: str | None, arguments: tuple[str, ...], protected: tuple[str, ...]
    ) -> SparedReason | None:
        """Likewise for a process that no scan has shown yet, by its program alone."""
        if not exe:
            return SparedReason.UNKNOWN
        path = exe.removesuffix(_DELETED)
        if protected and self._added(protected).hold({self._base(path)}, path, "", None):
            return SparedReason.PERSON
        return self._looked_up(path, arguments)

    def _program(self, process: ProcessFacts, detail: ProcessDetail | None) -> SparedReason | None:
        if detail is None or not detail.exe:
            return self._named(process.name, ()) or SparedReason.UNKNOWN
        known = (detail.exe, detail.arguments)
        if known not in self._known:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[known] = self._looked_up(*known)
        return self._known[known]

    def _looked_up(self, exe: str, arguments: tuple[str, ...]) -> SparedReason | None:
        exe = exe.removesuffix(_DELETED)
        base = self._base(exe)
        if is_ours(base, arguments):
            return SparedReason.OURSELVES
        reason = self._named(base, arguments) or self._matching(exe)
        if reason is None and base.rstrip("0123456789.") in INTERPRETERS:
            reason = self._script(arguments)
        return reason

    def _named(self, name: str, arguments: tuple[str, ...]) -> SparedReason | None:
        reason = self._names.get(_folded(name, folds=self._folds))
        if reason is SparedReason.SHELL and not waits_for_a_person(arguments):
            return None
        return reason

    def _matching(self, exe: str) -> SparedReason | None:
        path = exe.removesuffix(".exe") if self._folds else exe
        return next((reason for regex, reason in self._patterns if regex.match(path)), None)

    def _script(self, arguments: tuple[str, ...]) -> SparedReason | None:
        """Agents are often scripts: ``node /usr/lib/node_modules/.bin/claude``."""
        script = next((word for word in arguments[1:] if not word.startswith("-")), "")
        name = re.sub(r"\.(c?js|mjs|py)$", "", self._base(script))
        reason = self._names.get(_folded(name, folds=self._folds))
        return reason if reason is SparedReason.AGENT else None

    def _person(
        self,
        process: ProcessFacts,
        job: Job,
        detail: ProcessDetail | None,
        protected: tuple[str, ...],
    ) -> SparedReason | None:
        if not protected:
            return None
        exe = detail.exe.removesuffix(_DELETED) if detail and detail.exe else ""
        names = {process.name, job.name, job.title, self._base(exe)}
        folder = detail.cwd if detail and detail.cwd else ""
        return (
            SparedReason.PERSON
            if self._added(protected).hold(names, exe, folder, job.project)
            else None
        )

    def _added(self, protected: tuple[str, ...]) -> "_Additions":
        if protected not in self._additions:
            self._additions[protected] = _Additions(protected, self._home)
        return self._additions[protected]

    def _base(self, path: str) -> str:
        """The last part; ``pathlib`` would cost as much as everything else here together."""
        return (
            path.replace("\\", "/").rpartition("/")[2] if self._folds else path.rpartition("/")[2]
        )


class _Additions:
    """What the person protects: names, paths of programs, globs, project folders."""

    def __init__(self, words: tuple[str, ...], home: str) -> None:
        self._projects = {word for word in words if word.startswith("~")}
        expanded = [f"{home}{word[1:]}" if word.startswith("~") else word for word in words]
        globs = [word for word in expanded if _GLOB & set(word)]
        self._globs = tuple(re.compile(translate(word)) for word in globs)
        self._plain = {word.rstrip("/") for word in expanded} - set(globs)

    def hold(self, names: set[str], exe: str, folder: str, project: str | None) -> bool:
        """Whether one of them means this process."""
        if self._plain & names or exe in self._plain:
            return True
        if project is not None and (project in self._projects or project in self._plain):
            return True
        if any(place in self._plain for place in _upwards(folder)):
            return True
        return any(regex.match(text) for regex in self._globs for text in (*names, exe) if text)


def detail_of(process: ProcessFacts, facts: Facts) -> ProcessDetail | None:
    """What is known of that very process."""
    detail = facts.details.get(process.pid)
    return detail if detail is not None and detail.start_ticks == process.start_ticks else None


def _own(process: ProcessFacts, facts: Facts) -> SparedReason | None:
    own = facts.own
    if process.pid in own.pids:
        return SparedReason.OURSELVES
    if process.pid in own.ancestors or process.pid == 1:
        return SparedReason.ANCESTOR
    if KTHREADD in {process.ppid, process.pid} and process.rss_bytes == 0:
        return SparedReason.KERNEL
    if own.uid is not None and process.uid != own.uid:
        return SparedReason.OTHER_USER
    return SparedReason.DYING if process.state in {"Z", "X"} else None


def _upwards(folder: str) -> tuple[str, ...]:
    """The folder and all those above it."""
    if not folder:
        return ()
    path = PureWindowsPath(folder) if "\\" in folder else PurePosixPath(folder)
    return (folder.rstrip("/"), *(str(parent) for parent in path.parents))


def _folded(name: str, *, folds: bool) -> str:
    return name.lower().removesuffix(".exe") if folds else name
