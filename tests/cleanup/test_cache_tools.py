"""What tools say about their caches, and what is made of odd answers."""

from collections.abc import Sequence
from pathlib import PurePath

import pytest

from omnitray.cleanup.cache_tools import (
    TOOLS,
    CommandResult,
    NoTools,
    Tool,
    build_cache_bytes,
    folder_of,
    freed_in,
    size_in,
)

PIP = Tool("pip", ("pip", "cache", "purge"), ("pip", "cache", "dir"), ".cache/pip")
HOME = PurePath("/home/me")


class Answering(NoTools):
    def __init__(self, exit_code: int, output: str) -> None:
        self.result = CommandResult(exit_code, output)

    def run(self, command: Sequence[str]) -> CommandResult:
        del command
        return self.result


@pytest.mark.parametrize(
    ("exit_code", "output", "folder"),
    [
        (0, "/big/pip\n", "/big/pip"),
        (0, "", "/home/me/.cache/pip"),
        (0, "relative/path", "/home/me/.cache/pip"),
        (0, "WARNING: odd\n/big/pip\n", "/home/me/.cache/pip"),
        (1, "/big/pip\n", "/home/me/.cache/pip"),
    ],
)
def test_a_tools_word_counts_when_it_is_a_path(exit_code: int, output: str, folder: str) -> None:
    assert folder_of(PIP, Answering(exit_code, output), HOME) == folder


def test_a_tool_without_a_folder_has_none() -> None:
    assert folder_of(Tool("docker", ("docker",)), NoTools(), HOME) is None


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1.5GB (20%)", 1_500_000_000),
        ("12.3kB", 12_300),
        ("0B", 0),
        ("700 MB", 700_000_000),
        ("nothing", None),
    ],
)
def test_sizes_as_docker_writes_them(text: str, size: int | None) -> None:
    assert size_in(text) == size


def test_dockers_tables() -> None:
    assert build_cache_bytes("Images\t3GB\nBuild Cache\t1.2GB\n") == 1_200_000_000
    assert build_cache_bytes("Images\t3GB\n") is None
    assert freed_in("ID\nTotal:\t2.5MB\n") == 2_500_000
    assert freed_in("") is None


def test_every_command_starts_with_the_tool_that_is_looked_for() -> None:
    for tool in TOOLS:
        for command in (tool.where, tool.size):
            assert not command or command[0] == tool.clean[0]


def test_no_tools_have_nothing() -> None:
    assert not NoTools().has("pip")
    assert NoTools().run(["pip"]).exit_code == 127
