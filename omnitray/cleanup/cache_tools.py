"""Tools that know best how to clean their own caches: what to ask them, what to tell them.

Cargo has no stable command for it; its downloads carry a CACHEDIR.TAG and are found by that.
"""

import re
from collections.abc import Sequence
from pathlib import PurePath
from typing import NamedTuple, Protocol

import msgspec


class CommandResult(msgspec.Struct, frozen=True):
    """What a program said and how it ended."""

    exit_code: int
    output: str


class Tools(Protocol):
    """Running other people's programs: found on PATH, no shell, no input, a time limit."""

    def has(self, name: str) -> bool:
        """Whether the program is there."""
        ...

    def run(self, command: Sequence[str]) -> CommandResult:
        """Run it to its end; one that could not run or ran too long has a code other than 0."""
        ...


class NoTools:
    """A machine without any of them."""

    def has(self, name: str) -> bool:
        """Always False."""
        del name
        return False

    def run(self, command: Sequence[str]) -> CommandResult:
        """Always "not found"."""
        return CommandResult(127, f"{command[0]}: not found")


class Tool(NamedTuple):
    """One cache of one tool. ``folder`` is relative to the home, for tools that do not say."""

    name: str
    clean: tuple[str, ...]
    where: tuple[str, ...] = ()  # the command that prints its folder
    folder: str | None = None
    size: tuple[str, ...] = ()  # the command that prints sizes, where there is no folder


TOOLS = (
    Tool("pip", ("pip", "cache", "purge"), ("pip", "cache", "dir"), ".cache/pip"),
    Tool("uv", ("uv", "cache", "clean"), ("uv", "cache", "dir"), ".cache/uv"),
    Tool(
        "npm",
        ("npm", "cache", "clean", "--force"),
        ("npm", "config", "get", "cache"),
        ".npm",
    ),
    Tool("pnpm", ("pnpm", "store", "prune"), ("pnpm", "store", "path"), ".local/share/pnpm/store"),
    Tool("yarn", ("yarn", "cache", "clean"), ("yarn", "cache", "dir"), ".cache/yarn"),
    Tool("go builds", ("go", "clean", "-cache"), ("go", "env", "GOCACHE"), ".cache/go-build"),
    Tool("go modules", ("go", "clean", "-modcache"), ("go", "env", "GOMODCACHE"), "go/pkg/mod"),
    Tool(
        "ccache",
        ("ccache", "--clear"),
        ("ccache", "--get-config", "cache_dir"),
        ".cache/ccache",
    ),
    Tool(
        "docker builds",
        ("docker", "builder", "prune", "--force"),
        size=("docker", "system", "df", "--format", "{{.Type}}\t{{.Reclaimable}}"),
    ),
)

_UNITS = {"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}
_SIZE = re.compile(r"([\d.]+)\s*([kKMGT]?B)\b")


def folder_of(tool: Tool, tools: Tools, home: PurePath) -> str | None:
    """Where the tool keeps its cache: what it says, where that is a path, else where it does."""
    if tool.where:
        answer = tools.run(tool.where)
        said = answer.output.strip()
        if answer.exit_code == 0 and "\n" not in said and PurePath(said).is_absolute():
            return said
    return str(home / tool.folder) if tool.folder else None


def build_cache_bytes(output: str) -> int | None:
    """The reclaimable build cache in ``docker system df``'s answer."""
    for line in output.splitlines():
        if line.startswith("Build Cache"):
            return size_in(line)
    return None


def freed_in(output: str) -> int | None:
    """``Total reclaimed space: 1.2GB`` or ``Total: 1.2GB`` at the end of docker's answer."""
    totals = [line for line in output.splitlines() if line.startswith("Total")]
    return size_in(totals[-1]) if totals else None


def size_in(text: str) -> int | None:
    """The first size in a text, decimal units, in bytes."""
    found = _SIZE.search(text)
    return int(float(found.group(1)) * _UNITS[found.group(2).upper()]) if found else None
