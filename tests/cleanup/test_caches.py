"""Plans and runs on real trees: what is cleaned, in which order, and what is left with a reason.

What tools say about their caches, and what is made of odd answers.
"""

import datetime as dt
import os
from collections.abc import Sequence
from pathlib import Path, PurePath

import pytest

from omnitray.cleanup.cleaner import CacheCleaner, Disk, drained
from omnitray.cleanup.facts import (
    CacheKind,
    CleanOutcome,
    CleanPlan,
    CleanReason,
    CleanResult,
    FileId,
)
from omnitray.cleanup.search import (
    TOOLS,
    CommandResult,
    NoTools,
    Places,
    Tool,
    build_cache_bytes,
    folder_of,
    freed_in,
    size_in,
)
from support.clock import FakeClock
from support.trees import LONG_AGO, everything, marked, write

NOW = LONG_AGO + 1e8


class FakeTools:
    """Tools that answer what a test says; a command may do something too."""

    def __init__(self, **answers: str) -> None:
        self.answers = answers
        self.ran: list[tuple[str, ...]] = []
        self.exit_code = 0
        self.emptied: Path | None = None

    def has(self, name: str) -> bool:
        return any(each.split()[0] == name for each in self.answers)

    def run(self, command: Sequence[str]) -> CommandResult:
        self.ran.append(tuple(command))
        line = " ".join(command)
        if "purge" in command and self.emptied:
            for path in self.emptied.iterdir():
                path.unlink()
        answer = self.answers.get(line, self.answers.get(command[0], ""))
        return CommandResult(self.exit_code if "purge" in command else 0, answer)


class Machine:
    """A home folder, a disk that says how full it is, and a cleaner for both."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.project = home / "code" / "shop"
        self.project.mkdir(parents=True)
        self.used = [90.0]
        self.open_files: frozenset[FileId] = frozenset()
        self.tools = FakeTools()
        self.disk = Disk(str(home))

    def cleaner(self) -> CacheCleaner:
        places = Places(
            home=str(self.home),
            cache=str(self.home / ".cache"),
            trash=str(self.home / ".local/share/Trash"),
            roots=(str(self.home / "code"), str(self.home)),
        )
        return CacheCleaner(
            places,
            tools=self.tools,
            clock=FakeClock(wall=NOW),
            open_files=lambda: self.open_files,
            use=lambda _: self.used.pop(0) if len(self.used) > 1 else self.used[0],
        )

    def plan(self, *, allow_trash: bool = False) -> CleanPlan:
        return self.cleaner().plan(self.disk, 75.0, allow_trash=allow_trash)

    def clean(self, plan: CleanPlan) -> CleanResult:
        return self.cleaner().clean(plan, self.disk)

    def outcome(self, plan: CleanPlan) -> CleanOutcome:
        (outcome,) = self.clean(plan).outcomes
        return outcome


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "home")


def names(plan: CleanPlan) -> list[str]:
    return [each.name for each in plan.candidates]


def reasons(plan: CleanPlan) -> dict[str, CleanReason]:
    return {each.name: each.reason for each in plan.left}


def identity(path: Path) -> FileId:
    status = path.stat()
    return FileId(status.st_dev, status.st_ino)


def test_a_marked_folder_is_emptied_and_keeps_its_tag(machine: Machine) -> None:
    cache = marked(machine.project / ".mypy_cache", "3.11/a.json", "3.11/deep/er/b.json")
    kept = write(machine.project / "shop.py")
    plan = machine.plan()
    assert names(plan) == ["~/code/shop/.mypy_cache"]
    result = machine.clean(plan)
    assert [path.name for path in cache.iterdir()] == ["CACHEDIR.TAG"]
    assert kept.exists()
    assert result.freed_bytes == plan.size_bytes > 0
    assert result.outcomes[0].reason is CleanReason.CLEANED


def test_a_plan_touches_nothing(machine: Machine) -> None:
    marked(machine.project / ".mypy_cache")
    before = everything(machine.home)
    machine.plan()
    assert everything(machine.home) == before


@pytest.mark.parametrize("tag", [b"", b"Signature: 8a477f597d28d172789f06886806bc5", b"Sig"])
def test_a_folder_with_a_wrong_tag_is_left(machine: Machine, tag: bytes) -> None:
    (marked(machine.project / "build") / "CACHEDIR.TAG").write_bytes(tag)
    plan = machine.plan()
    assert names(plan) == []
    assert reasons(plan) == {"~/code/shop/build": CleanReason.UNMARKED}


def test_a_tag_that_is_a_link_marks_nothing(machine: Machine) -> None:
    real = marked(machine.project / "real") / "CACHEDIR.TAG"
    other = write(machine.project / "precious" / "thesis.txt").parent
    (other / "CACHEDIR.TAG").symlink_to(real)
    assert names(machine.plan()) == ["~/code/shop/real"]


def test_the_least_recently_used_goes_first(machine: Machine) -> None:
    marked(machine.project / "b", used_at=LONG_AGO + 200)
    marked(machine.project / "a", used_at=LONG_AGO + 300)
    marked(machine.project / "c", used_at=LONG_AGO + 100)
    assert [name[-1] for name in names(machine.plan())] == ["c", "b", "a"]


def test_it_stops_when_enough_is_free(machine: Machine) -> None:
    first = marked(machine.project / "a", used_at=LONG_AGO)
    second = marked(machine.project / "b", used_at=LONG_AGO + 1)
    plan = machine.plan()
    machine.used = [90.0, 90.0, 74.9]  # before, before the first, before the second
    result = machine.clean(plan)
    assert [each.reason for each in result.outcomes] == [CleanReason.CLEANED, CleanReason.ENOUGH]
    assert len(list(first.iterdir())) == 1
    assert len(list(second.iterdir())) == 3


def test_it_stops_in_the_middle_of_a_large_cache(machine: Machine) -> None:
    cache = marked(machine.project / "a", *[f"{number}" for number in range(300)])
    plan = machine.plan()
    machine.used = [90.0, 90.0, 80.0, 74.0]
    outcome = machine.outcome(plan)
    assert outcome.reason is CleanReason.PARTLY
    assert outcome.removed == 300 - (len(list(cache.iterdir())) - 1)
    assert 0 < outcome.removed < 300


def test_progress_is_told_while_it_runs(machine: Machine) -> None:
    marked(machine.project / "a", *[f"{number}" for number in range(200)])
    plan = machine.plan()
    steps = list(machine.cleaner().cleaning(plan, machine.disk))
    freed = [step.freed_bytes for step in steps]
    assert len(steps) >= 3
    assert freed == sorted(freed)
    assert freed[-1] <= plan.size_bytes == steps[0].planned_bytes


def test_stopping_between_steps_leaves_the_rest(machine: Machine) -> None:
    cache = marked(machine.project / "a", *[f"{number}" for number in range(200)])
    steps = machine.cleaner().cleaning(machine.plan(), machine.disk)
    next(steps)
    next(steps)
    steps.close()
    assert 2 < len(list(cache.iterdir())) < 200


def test_a_cache_that_a_program_has_open_is_left(machine: Machine) -> None:
    cache = marked(machine.project / "target", "debug/shop")
    machine.open_files = frozenset({identity(cache / "debug" / "shop")})
    assert reasons(machine.plan()) == {"~/code/shop/target": CleanReason.IN_USE}


def test_a_cache_that_a_program_works_in_is_left(machine: Machine) -> None:
    cache = marked(machine.project / "target", "debug/shop")
    machine.open_files = frozenset({identity(cache / "debug")})
    assert reasons(machine.plan()) == {"~/code/shop/target": CleanReason.IN_USE}


def test_a_file_opened_after_the_plan_stays(machine: Machine) -> None:
    cache = marked(machine.project / "target", "debug/shop", "debug/other")
    plan = machine.plan()
    machine.open_files = frozenset({identity(cache / "debug" / "shop")})
    outcome = machine.outcome(plan)
    assert outcome.left == {CleanReason.IN_USE: 1}
    assert [path.name for path in (cache / "debug").iterdir()] == ["shop"]


def test_a_cache_used_just_now_is_left(machine: Machine) -> None:
    marked(machine.project / "target", used_at=NOW - 60)
    assert reasons(machine.plan()) == {"~/code/shop/target": CleanReason.RECENT}


def test_an_environment_is_left_though_it_is_marked(machine: Machine) -> None:
    write(marked(machine.project / ".venv") / "pyvenv.cfg")
    assert reasons(machine.plan()) == {"~/code/shop/.venv": CleanReason.ENVIRONMENT}


@pytest.mark.parametrize("name", [".git", ".hg", ".svn"])
def test_a_repository_is_left_though_it_is_marked(machine: Machine, name: str) -> None:
    (marked(machine.project / "vm") / name).mkdir()
    assert reasons(machine.plan()) == {"~/code/shop/vm": CleanReason.REPOSITORY}


def test_what_stands_right_in_the_home_folder_is_left(machine: Machine) -> None:
    marked(machine.home / "Downloads")
    assert reasons(machine.plan()) == {"~/Downloads": CleanReason.TOO_BROAD}


def test_a_cache_on_another_disk_is_left(machine: Machine) -> None:
    marked(machine.project / "target")
    machine.disk = Disk("/proc")
    assert reasons(machine.plan()) == {"~/code/shop/target": CleanReason.OTHER_DISK}


def test_a_cache_within_a_cache_is_counted_once(machine: Machine) -> None:
    marked(marked(machine.project / "outer") / "inner")
    assert names(machine.plan()) == ["~/code/shop/outer"]


def test_a_folder_replaced_since_the_plan_is_left(machine: Machine) -> None:
    cache = marked(machine.project / "target")
    plan = machine.plan()
    cache.rename(machine.project / "moved")
    marked(cache)
    assert machine.outcome(plan).reason is CleanReason.REPLACED
    assert len(everything(cache)) == 4


def test_a_folder_replaced_by_a_link_since_the_plan_is_left(machine: Machine) -> None:
    cache = marked(machine.project / "target")
    precious = marked(machine.home / "precious")
    plan = machine.plan()
    cache.rename(machine.project / "moved")
    cache.symlink_to(precious)
    assert machine.outcome(plan).reason is CleanReason.REPLACED
    assert len(everything(precious)) == 4


def test_a_tag_taken_away_since_the_plan_saves_the_folder(machine: Machine) -> None:
    cache = marked(machine.project / "target")
    plan = machine.plan()
    (cache / "CACHEDIR.TAG").unlink()
    assert machine.outcome(plan).reason is CleanReason.UNMARKED
    assert (cache / "one").exists()


def test_a_file_with_a_name_elsewhere_frees_nothing(machine: Machine) -> None:
    cache = marked(machine.project / "store", "own", "shared")
    os.link(cache / "shared", machine.project / "kept")
    plan = machine.plan()
    own = (cache / "own").stat().st_blocks * 512
    assert plan.size_bytes == own
    assert machine.clean(plan).freed_bytes == own
    assert (machine.project / "kept").read_bytes() == b"x" * 5000


def test_a_file_with_two_names_in_the_cache_is_counted_once(machine: Machine) -> None:
    cache = marked(machine.project / "store", "own")
    os.link(cache / "own", cache / "again")
    plan = machine.plan()
    assert plan.size_bytes == (cache / "own").stat().st_blocks * 512


def test_thumbnails_are_cleaned(machine: Machine) -> None:
    write(machine.home / ".cache/thumbnails/large/a.png")
    plan = machine.plan()
    assert names(plan) == ["thumbnails"]
    machine.clean(plan)
    assert everything(machine.home / ".cache/thumbnails") == {}


def throw_away(machine: Machine, name: str, days: float) -> None:
    trash = machine.home / ".local/share/Trash"
    write(trash / "files" / name)
    thrown = dt.datetime.fromtimestamp(NOW - days * 86400).astimezone()
    record = write(trash / "info" / f"{name}.trashinfo")
    record.write_text(f"[Trash Info]\nPath=/x\nDeletionDate={thrown:%Y-%m-%dT%H:%M:%S}\n")


def test_the_trash_is_left_unless_it_is_allowed(machine: Machine) -> None:
    throw_away(machine, "old", 31)
    assert names(machine.plan()) == []


def test_only_old_trash_goes_and_its_record_with_it(machine: Machine) -> None:
    throw_away(machine, "old", 31)
    throw_away(machine, "new", 29)
    write(machine.home / ".local/share/Trash/files/dir/in it/deep")
    plan = machine.plan(allow_trash=True)
    assert names(plan) == ["trash: old"]
    assert machine.outcome(plan).reason is CleanReason.CLEANED
    left = everything(machine.home / ".local/share/Trash")
    assert {name for name in left if b"old" in name} == set()
    assert {name for name in left if b"new" in name} == {b"files/new", b"info/new.trashinfo"}


def test_trash_thrown_away_anew_under_the_same_name_stays(machine: Machine) -> None:
    throw_away(machine, "old", 31)
    plan = machine.plan(allow_trash=True)
    thing = machine.home / ".local/share/Trash/files/old"
    thing.rename(thing.with_name("kept aside"))
    write(thing)
    assert machine.outcome(plan).reason is CleanReason.REPLACED
    assert thing.exists()


def test_a_tool_cleans_its_own_cache(machine: Machine) -> None:
    folder = write(machine.home / "elsewhere/pip/http/a").parent
    machine.tools = FakeTools(**{"pip cache dir": f"{folder}\n", "pip cache purge": "done"})
    machine.tools.emptied = folder
    plan = machine.plan()
    (candidate,) = plan.candidates
    assert (candidate.name, candidate.kind, candidate.path) == ("pip", CacheKind.TOOL, str(folder))
    assert machine.clean(plan).freed_bytes == plan.size_bytes > 0
    assert machine.tools.ran[-1] == ("pip", "cache", "purge")


def test_a_tool_that_fails_is_reported_in_its_own_words(machine: Machine) -> None:
    folder = write(machine.home / ".cache/pip/http/a").parent
    machine.tools = FakeTools(**{"pip cache dir": "?", "pip cache purge": "oh\ncache is locked"})
    machine.tools.exit_code = 1
    outcome = machine.outcome(machine.plan())
    assert (outcome.reason, outcome.detail) == (CleanReason.FAILED, "cache is locked")
    assert folder.exists()


def test_dockers_builds_are_cleaned_as_docker_counts_them(machine: Machine) -> None:
    df = "docker system df --format {{.Type}}\t{{.Reclaimable}}"
    prune = "docker builder prune --force"
    answers = {
        df: "Images\t3GB (50%)\nBuild Cache\t1.5GB",
        prune: "x\nTotal reclaimed space: 1.4GB",
    }
    machine.tools = FakeTools(**answers)
    plan = machine.plan()
    assert [(each.name, each.size_bytes) for each in plan.candidates] == [
        ("docker builds", 1_500_000_000)
    ]
    assert machine.clean(plan).freed_bytes == 1_400_000_000


def test_a_tools_folder_is_not_cleaned_a_second_time_by_its_mark(machine: Machine) -> None:
    folder = marked(machine.home / ".cache/uv")
    machine.tools = FakeTools(**{"uv cache dir": str(folder)})
    assert names(machine.plan()) == ["uv"]


def test_how_full_a_disk_is_agrees_with_the_kernel(tmp_path: Path) -> None:
    assert 0.0 < Disk(str(tmp_path)).used_percent() < 100.0


def test_planning_in_steps_gives_the_same_plan(machine: Machine) -> None:
    marked(machine.project / "a")
    assert drained(machine.cleaner().planning(machine.disk, 75.0)) == machine.plan()


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
