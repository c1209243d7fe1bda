"""What a person means by a word: a name, the path of a program, a glob, a project folder.

The list of what is never touched, the rules of a person's own and the names of jobs in commands
are read by the same rule.
"""

import functools
import re
from collections.abc import Callable, Iterable
from fnmatch import translate
from pathlib import PurePosixPath, PureWindowsPath

from omnitray.base.facts import Job
from omnitray.processes.job_grouping import BY_AGENT
from omnitray.processes.naming import name_command
from omnitray.processes.process_roles import INTERPRETERS

_MOST_NEAR = 3
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

    def hold(self, names: set[str], exe: str, folder: str, project: str | None) -> bool:
        """Whether one of them means this process."""
        places = _upwards(folder)
        if not self._plain.isdisjoint((*names, exe, *places)):
            return True
        if project is not None and (project in self._projects or project in self._plain):
            return True
        texts = (*names, exe, *places, project or "")
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
