"""What a person means by a word: a name, the path of a program, a glob, a project folder.

The list of what is never touched and the rules of a person's own are read by the same matcher.
"""

import re
from collections.abc import Callable
from fnmatch import translate
from pathlib import PurePosixPath, PureWindowsPath

_GLOB = frozenset("*?[")


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
