"""Takes the person out of a recording: every word that is not a known one becomes a hash.

Known are the names that rules are made of (programs, roles, folders of the system) and numbers:
they decide who is touched. Everything else, be it a project, a user, a file or an argument,
becomes the same seven letters wherever it stands in one recording, and others in the next one.
"""

import hashlib
import re
from collections.abc import Iterator
from typing import Any

from omnitray.processes import process_roles
from omnitray.protector.exclusions.common import (
    AT_WORK_WORDS,
    MACHINES,
    PERSONAL_FOLDERS,
    SERVERS_IN_JAVA,
)
from omnitray.protector.exclusions.programs import PROGRAMS

_WORD = re.compile(r"[\w.@+-]+")
_FOLDERS = (
    "usr bin sbin lib lib64 libexec opt local share home root user users var tmp etc proc run dev"
    " mnt media srv snap app nix gnu store sys system.slice user.slice app.slice session.slice"
)
_SAID = (  # words of keys, names and arguments that identify no person
    "unit command run kernel system omnitray -m -c -e -i -l -s -n -p worker processes deleted"
    " process Kernel System OmniTray test tests jest xdist execnet spawn fork forkserver"
    " multiprocessing --type renderer gpu-process utility zygote auto"
)
_SUFFIX = re.compile(r"^(?P<stem>.+?)(?P<suffix>\.(?:py|js|cjs|mjs|sh|so|scope|service|slice))$")
_PLAIN_LETTERS = str.maketrans("0123456789abcdef", "abdefghijkmnpqrs")  # none is a c: see below
_LETTERS = 7
# By these names of fields texts are found; the others hold words of the program itself.
_TEXTS = frozenset(
    (
        *("key", "name", "project", "cgroup", "exe", "arguments", "cwd", "writes_to", "mount"),
        *("job_key", "title", "match", "protected", "note", "neighbours", "mount", "filesystem"),
    )
)
# Pids and user numbers in keys, versions in names; elsewhere a number may be a secret.
_NUMBERED = frozenset(("key", "name", "job_key", "cgroup", "exe"))


class Anonymizer:
    """One recording's; ``salt`` makes its hashes differ from those of every other."""

    def __init__(self, salt: bytes) -> None:
        self._salt = salt
        self._known: dict[str, str] = {}
        self._texts: dict[tuple[str, bool], str] = {}  # each frame repeats those of the one before

    def tree(self, value: Any, field: str = "") -> Any:
        """The same tree of builtins, its texts without the person."""
        if isinstance(value, dict):  # most of what is in one are numbers
            return {
                key: each if isinstance(each, int | float | None) else self.tree(each, key)
                for key, each in value.items()
            }
        if isinstance(value, list | tuple | set | frozenset):
            return [self.tree(each, field) for each in value]
        if isinstance(value, str) and field in _TEXTS:
            return self.text(value, numbers=field in _NUMBERED)
        return value

    def text(self, text: str, *, numbers: bool = True) -> str:
        """A text word by word; what stands between words stays, numbers where they are ids."""

        def hidden(found: re.Match[str]) -> str:
            word = found[0]
            return self._digest(word) if word.isdigit() and not numbers else self._word(word)

        if (text, numbers) not in self._texts:
            self._texts[text, numbers] = _WORD.sub(hidden, text)
        return self._texts[text, numbers]

    def _word(self, word: str) -> str:
        if word not in self._known:
            self._known[word] = self._hidden(word)
        return self._known[word]

    def _digest(self, word: str) -> str:
        digest = hashlib.blake2s(word.encode(), key=self._salt).hexdigest()[:_LETTERS]
        return digest.translate(_PLAIN_LETTERS)

    def _hidden(self, word: str) -> str:
        if _is_known(word):
            return word
        if (prefix := next((each for each in _PREFIXES if word.startswith(each)), "")) != "":
            return prefix + self._word(word.removeprefix(prefix))
        if (found := _SUFFIX.match(word)) is not None:
            return self._word(found["stem"]) + found["suffix"]
        bare = word.lstrip("-.")
        dashes = word[: len(word) - len(bare)]
        # A shell with a ``c`` in its options runs a command; a person does not type to it.
        runs = "c" if dashes == "-" and "c" in bare else ""
        return f"{dashes}{runs}{self._digest(bare)}"


def _is_known(word: str) -> bool:
    if word.startswith(".") and word.endswith("-wrapped"):  # as Nix calls a program behind a script
        word = word[1:].removesuffix("-wrapped")
    stem = word.rstrip("0123456789.")
    if not stem.strip("-_:") or word in _VOCABULARY or stem in _VOCABULARY:
        return True
    return any(part in word for part in SERVERS_IN_JAVA)


def _names() -> Iterator[str]:
    for platform in PROGRAMS.values():
        for names in platform.names.values():
            yield from names
        yield from (pattern for pattern, _ in platform.patterns)
        yield from platform.system_folders
    yield from PERSONAL_FOLDERS
    yield from process_roles.NAMES
    for table in (
        process_roles.RUNS_TESTS,
        process_roles.BUILDS,
        process_roles.WITH_SUBCOMMAND,
        process_roles.INTERPRETERS,
        process_roles.HELPERS,
        process_roles.APPLICATIONS,
        process_roles.APPLICATIONS.values(),
    ):
        yield from table
    yield from process_roles.BEFORE_TYPING_WORDS
    yield from AT_WORK_WORDS
    yield from (_FOLDERS, _SAID)


_PREFIXES = tuple(  # ``gsd-*``: what comes after the beginning says nothing about the role
    {
        pattern.rpartition("/")[2].removesuffix("*")
        for platform in PROGRAMS.values()
        for pattern, _ in platform.patterns
        if pattern.endswith("-*")
    }
    | set(MACHINES)
)
_VOCABULARY = frozenset(word for name in _names() for word in _WORD.findall(name))
