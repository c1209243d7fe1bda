"""What a name means on the list of what is never touched, in rules and in commands."""

import pytest

from omnitray.base.facts import JobKind, ProcessDetail
from omnitray.protector.exclusions.programs import LINUX
from omnitray.protector.exclusions.rules import (
    ExclusionRules,
    meant_by_name,
    near_names,
    spoken_names,
)
from omnitray.protector.model import ExclusionReason
from support.scenes import facts, job, process

PYTHON = "/usr/bin/python3.11"


def is_protected(word: str, title: str, *arguments: str) -> bool:
    one = process(100, name="python3")
    detail = ProcessDetail(start_ticks=one.start_ticks, exe=PYTHON, arguments=arguments)
    seen = facts(details={100: detail})
    rules = ExclusionRules(LINUX, "/home/me")
    return rules.verdict(one, job(title, one), seen, (word,)) is ExclusionReason.PERSON


@pytest.mark.parametrize(
    ("word", "is_meant"),
    [
        ("python sleeper.py", True),
        ("sleeper.py", True),
        ("sleeper", True),
        ("sleep*", True),
        ("python3", True),  # the name of the process
        ("python", False),  # would mean every script
        ("sleep", False),
        ("py", False),
    ],
)
def test_a_script_is_meant_by_its_name_with_and_without_the_interpreter(
    word: str,
    is_meant: bool,  # noqa: FBT001 - a column of the table
) -> None:
    words = ("python3", "sleeper.py")
    assert is_protected(word, "python sleeper.py", *words) is is_meant
    # The same for a script within a job that is called otherwise.
    other = word != "python sleeper.py"
    assert is_protected(word, "backup.sh", *words) is (is_meant or not other)


@pytest.mark.parametrize(
    ("word", "is_meant"),
    [
        ("/home/me/work/blobby.py", True),
        ("~/work/blobby.py", True),
        ("~/work/*.py", True),
        ("*/bl*y.py", True),
        ("~/work/other.py", False),
        ("*/x/*", False),
    ],
)
@pytest.mark.parametrize(
    ("exe", "arguments"),
    [
        (PYTHON, ("python3", "-X", "./blobby.py", "300")),
        (PYTHON, ("python3", "/home/me/shop/../work/blobby.py")),
        ("/bin/bash", ("bash", "-eu", "blobby.py")),
    ],
)
def test_a_script_is_meant_by_its_path(
    word: str,
    is_meant: bool,  # noqa: FBT001 - a column of the table
    exe: str,
    arguments: tuple[str, ...],
) -> None:
    one = process(100, name="python3")
    detail = ProcessDetail(
        start_ticks=one.start_ticks, exe=exe, arguments=arguments, cwd="/home/me/work"
    )
    meant = ExclusionRules(LINUX, "/home/me").is_meant(one, job("run", one), detail, (word,))
    assert meant is is_meant


def test_the_code_of_an_interpreter_is_no_path() -> None:
    one = process(100, name="python3")
    detail = ProcessDetail(
        start_ticks=one.start_ticks, exe=PYTHON, arguments=("python3", "-c", "x"), cwd="/home/me"
    )
    rules = ExclusionRules(LINUX, "/home/me")
    assert not rules.is_meant(one, job("run", one), detail, ("/home/me/x",))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("python -m http.server", {"python -m http.server", "http.server"}),
        ("backup.sh", {"backup.sh", "backup"}),
        ("agent · pytest", {"agent · pytest", "pytest"}),
        ("node server.js", {"node server.js", "node server", "server.js", "server"}),
        ("python -c", {"python -c"}),
        ("python", {"python"}),
        ("cargo build", {"cargo build"}),
    ],
)
def test_what_a_person_may_call_a_job(name: str, said: set[str]) -> None:
    assert spoken_names(name) == said


def test_a_newborn_script_on_the_list_is_spared_as_well() -> None:
    rules = ExclusionRules(LINUX, "/home/me")
    words = ("python3", "/home/me/sleeper.py")
    assert rules.child_exclusion(PYTHON, words, ("sleeper.py",)) is ExclusionReason.PERSON
    assert rules.child_exclusion(PYTHON, words, ("other.py",)) is None


def test_a_name_goes_before_letters_and_letters_find_the_rest() -> None:
    exact = job("python sleeper.py", process(1), kind=JobKind.COMMAND)
    longer = job("python oversleeper.py", process(2), kind=JobKind.COMMAND)
    assert meant_by_name("sleeper", [longer, exact]) == [exact]
    assert meant_by_name("OVERSLEEP", [longer, exact]) == [longer]
    assert meant_by_name("eater", [longer, exact]) == []


def test_a_slip_of_the_pen_is_answered_with_what_runs() -> None:
    jobs = [job("python sleeper.py", process(1)), job("make", process(2))]
    assert near_names("~/bin/sleeper.rb", jobs) == ("python sleeper.py",)
    assert near_names("sleper.py", jobs) == ("python sleeper.py",)
    assert near_names("mkae", jobs) == ("make",)
    assert near_names("/", jobs) == ()
    assert near_names("postgres", jobs) == ()
