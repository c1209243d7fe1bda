"""Whether the machine can hold what is about to start, and who is next where several wait.

What a run needs is what it took the last time, or its budget. What is free is what the kernel calls
available, less what runs that go on are still expected to take. How many workers fit is said in the
words of the programs that start them; what a person has set already stays as it is.
"""

import contextlib
import os
import time

from omnitray.runs.records import RunFiles, make_folder, number, read, replace
from omnitray.runs.tree import start_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

KEEP_FREE = 0.05  # of all memory: under it the protector's floor is reached
LOOK_S = 0.5  # how often a waiting run looks: one read of /proc/meminfo, 5 µs
# Unknown: what a compiler or a test process of an ordinary project takes at most.
USUAL_WORKER_BYTES = 1_000_000_000
SHARE = 0.8  # of the room: workers do not all peak at once, and what is learnt was one run
_COUNTS = (
    "PYTEST_XDIST_AUTO_NUM_WORKERS",  # pytest-xdist, -n auto
    "CARGO_BUILD_JOBS",  # cargo
    "CMAKE_BUILD_PARALLEL_LEVEL",  # cmake --build, which passes it to ninja and make
    "CTEST_PARALLEL_LEVEL",  # ctest
    "VITEST_MAX_WORKERS",  # vitest 3
    "VITEST_MAX_FORKS",  # vitest 1 and 2
    "VITEST_MAX_THREADS",
    "GOMAXPROCS",  # go build, go test
)
# They read no variable: the option goes behind the program's name, where none of these stands.
_OPTIONS = {
    "ninja": ("-j{}", ("-j",)),
    "samu": ("-j{}", ("-j",)),
    "jest": ("--maxWorkers={}", ("--maxWorkers", "-w", "--runInBand", "-i")),
}
_RUNNERS = frozenset({"npx", "bunx", "yarn", "pnpm", "node"})


def _as_it_is(total: int, available: int) -> "tuple[int, int]":
    return total, available


class MemInfo:
    """Memory of this machine in bytes, as /proc/meminfo (or the given file) says it.

    ``narrowed`` takes all and available, and gives those of the tightest memory group around us.
    """

    def __init__(
        self,
        meminfo: str = "/proc/meminfo",
        narrowed: "Callable[[int, int], tuple[int, int]]" = _as_it_is,
    ) -> None:
        self._meminfo = meminfo
        self._narrowed = narrowed

    def memory(self) -> "tuple[int, int]":
        """All, and available; (0, 0) where that is not known."""
        found = {"MemTotal": 0, "MemAvailable": 0}
        try:
            with open(self._meminfo, encoding="ascii") as file:
                for line in file:
                    name, _, rest = line.partition(":")
                    if name in found:
                        found[name] = int(rest.split()[0]) * 1024
        except (OSError, ValueError, IndexError):
            return 0, 0
        return self._narrowed(found["MemTotal"], found["MemAvailable"])

    def room_bytes(self, files: RunFiles, own: str = "") -> "int | None":
        """What a new run may take; None where that is not known."""
        total, available = self.memory()
        if not total:
            return None
        promised = 0.0
        for record in files.unfinished():
            if record.get("id") != own and lives(record):
                promised += max(0.0, number(record, "expected_bytes") - number(record, "rss_bytes"))
        return int(available - KEEP_FREE * total - promised)


def lives(record: "dict[str, object]") -> bool:
    """Whether the wrapper that wrote a record is still there."""
    pid, start = int(number(record, "wrapper_pid")), int(number(record, "wrapper_start"))
    return pid > 0 and start > 0 and start_of(pid) == start


class Queue:
    """Runs that wait, in order of their arrival; ``folder`` holds a ticket for each."""

    def __init__(self, folder: str) -> None:
        self._folder = os.path.join(folder, "waiting")
        self._ticket = ""

    def join(self, title: str) -> None:
        """Take a ticket. Raises OSError."""
        make_folder(self._folder)
        self._ticket = f"{time.time_ns():020d}-{os.getpid()}.json"
        own = {"title": title, "wrapper_pid": os.getpid(), "wrapper_start": start_of(os.getpid())}
        replace(os.path.join(self._folder, self._ticket), own)

    def ahead(self) -> int:
        """How many wait before us; tickets of runs that are gone are thrown away."""
        count = 0
        for name in sorted(os.listdir(self._folder)):
            if name >= self._ticket or not name.endswith(".json"):
                continue
            if lives(read(os.path.join(self._folder, name))):
                count += 1
            else:
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join(self._folder, name))
        return count

    def leave(self) -> None:
        """Give the ticket back. Idempotent."""
        if self._ticket:
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(self._folder, self._ticket))
            self._ticket = ""


def how_many(room_bytes: int, worker_bytes: int, cores: int) -> int:
    """Workers that fit: at least one, at most one a core."""
    each = worker_bytes or USUAL_WORKER_BYTES
    return max(1, min(cores, int(room_bytes * SHARE / each)))


def told(count: int, words: "list[str]", environ: "dict[str, str]") -> "list[str]":
    """The command with the options, and ``environ`` with the variables, that say so."""
    for name in _COUNTS:
        environ.setdefault(name, str(count))
    flags = environ.get("MAKEFLAGS", "")
    if not _has_jobs(flags):
        environ["MAKEFLAGS"] = f"{flags} -j{count}".strip()
    return _with_option(count, words)


def _has_jobs(flags: str) -> bool:
    """Whether they say how many: ``-j4``, ``--jobs``, a job server, or letters with a ``j``."""
    words = flags.split()
    letters = bool(words) and "=" not in words[0] and words[0][:1] != "-" and "j" in words[0]
    return letters or any(word.startswith(("-j", "--jobs", "--jobserver")) for word in words)


def _with_option(count: int, words: "list[str]") -> "list[str]":
    for place, word in enumerate(words[:3]):
        program = os.path.basename(word).removesuffix(".js")
        if program in _OPTIONS:
            option, said = _OPTIONS[program]
            rest = words[place + 1 :]
            if any(each.startswith(said) for each in rest):
                return words
            return [*words[: place + 1], option.format(count), *rest]
        if program not in _RUNNERS and word not in {"exec", "run", "--"}:
            return words
    return words
