"""How many workers fit into memory, said in the words of the programs that start them.

What a person has set already stays as it is.
"""

import os

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
