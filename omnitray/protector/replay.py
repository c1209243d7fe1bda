"""Recordings as files, and what a protector decides when it sees one again.

A file is JSON lines under xz: a header, then a frame a line, without anything personal. The same
recording gives the same decisions each time; where it began at a calm moment, also those of the
time when it was made.

:class:`Anonymizer` takes the person out: every word that is not a known one becomes a hash. Known
are the names that rules are made of (programs, roles, folders of the system) and numbers: they
decide who is touched. Everything else, be it a project, a user, a file or an argument, becomes the
same seven letters wherever it stands in one recording, and others in the next one.
"""

import hashlib
import lzma
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from omnitray.base.durable import write_atomic
from omnitray.base.facts import ProcessDetail
from omnitray.base.policy import ProtectPolicy
from omnitray.processes import process_roles
from omnitray.protector.exclusions.common import (
    AT_WORK_WORDS,
    MACHINES,
    PERSONAL_FOLDERS,
    SERVERS_IN_JAVA,
)
from omnitray.protector.exclusions.programs import PROGRAMS
from omnitray.protector.model import Action
from omnitray.protector.protector import ResourceProtector
from omnitray.protector.recorder import Decided, Frame, Recording, decided_of, unpacked

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
        *("key", "name", "project", "cgroup", "exe", "arguments", "cwd", "writes_to", "writes_in"),
        *("job_key", "title", "match", "protected", "note", "neighbours", "mount", "filesystem"),
    )
)
# Pids and user numbers in keys, versions in names; elsewhere a number may be a secret.
_NUMBERED = frozenset(("key", "name", "job_key", "cgroup", "exe"))


_NUMBERS = frozenset((int, float, bool, type(None)))  # of these very classes: asked very often


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
                key: each if each.__class__ in _NUMBERS else self.tree(each, key)
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


SUFFIX = ".jsonl.xz"
MOST_BYTES = 20_000_000  # of a file, packed; an hour of a busy desk takes 5 MB
# Frames repeat each other: they take a hundredth. A window of 8 MB instead of 1 MB saves nothing on
# tests/protector/recordings, and took 57 MB instead of 9 for as long as a recording was written.
# Preset 6 takes three times the processor time of 2, for a fifth fewer bytes.
_PACKING = [{"id": lzma.FILTER_LZMA2, "preset": 2, "dict_size": 1 << 20}]


class RecordingHead(msgspec.Struct, frozen=True, kw_only=True):
    """The first line of a file. ``home`` is the person's folder, as hidden as all else."""

    recording: int = 1
    run: str
    why: str
    home: str


class Replayed(msgspec.Struct, frozen=True):
    """One frame, what was decided when it was recorded and what is decided now."""

    frame: Frame
    then: tuple[Decided, ...]
    now: tuple[Decided, ...]


def packed_file(recording: Recording, home: str, salt: bytes | None = None) -> bytes:
    """A recording as a file holds it."""
    return b"".join(_packed(recording, home, salt or os.urandom(16)))


def _packed(recording: Recording, home: str, salt: bytes) -> Iterator[bytes]:
    hide = Anonymizer(salt)
    into = lzma.LZMACompressor(filters=_PACKING)
    header = RecordingHead(run=recording.run, why=recording.why, home=hide.text(home))
    yield into.compress(msgspec.json.encode(header))
    known: dict[ProcessDetail, msgspec.Raw] = {}  # each frame has most of the one before
    for packed in recording.frames:
        frame = unpacked(packed)
        details = frame.facts.details
        for each in details.values():
            if each not in known:
                tree = msgspec.to_builtins(each, str_keys=True)
                known[each] = msgspec.Raw(msgspec.json.encode(hide.tree(tree)))
        bare = msgspec.structs.replace(frame.facts, details={})
        tree = msgspec.to_builtins(msgspec.structs.replace(frame, facts=bare), str_keys=True)
        hidden = hide.tree(tree)
        if details:
            hidden["facts"]["details"] = {str(pid): known[each] for pid, each in details.items()}
        yield into.compress(b"\n" + msgspec.json.encode(hidden))
    yield into.flush()


def save(recording: Recording, path: Path, home: str, is_wanted: Callable[[], bool]) -> bool:
    """Write it; False where that is wanted no longer. Raises StorageError."""
    parts = []
    for part in _packed(recording, home, os.urandom(16)):
        if not is_wanted():
            return False
        parts.append(part)
    write_atomic(path, b"".join(parts))
    return True


def load(data: bytes) -> tuple[RecordingHead, list[Frame]]:
    """A file; raises ValueError where it is no recording."""
    try:
        head, *lines = lzma.decompress(data).splitlines()
        header = msgspec.json.decode(head, type=RecordingHead)
        frames = [msgspec.json.decode(line, type=Frame) for line in lines]
    except (lzma.LZMAError, msgspec.MsgspecError, ValueError) as error:
        raise ValueError(f"this is no recording: {error}") from error
    return header, frames


def replay(header: RecordingHead, frames: Iterable[Frame], **more: Any) -> Iterator[Replayed]:
    """Decide again, frame by frame, with a protector that has seen nothing before.

    ``more`` goes to the protector: other program tables, for instance.
    """
    protector = ResourceProtector(header.run, home=header.home, **more)
    policy: ProtectPolicy | None = None
    for frame in frames:
        policy = _taken_up(protector, policy, frame.policy) or ProtectPolicy()
        protector.start_numbers_at(frame.next_number)
        decisions = protector.decide(frame.facts, policy, frame.now_s)
        for each in decisions:
            if isinstance(each, Action) and each.id in frame.refused:
                protector.refused(each)
        yield Replayed(frame, frame.decided, tuple(map(decided_of, decisions)))


def _taken_up(
    protector: ResourceProtector, before: ProtectPolicy | None, now: ProtectPolicy | None
) -> ProtectPolicy | None:
    """The policy in force; what was taken off the person's list counts no more, as in a run."""
    if now is not None and before is not None and set(before.protected) - set(now.protected):
        protector.allow(None)
    return now or before
