"""``jobs`` and ``top``: their order, and what they say of what they leave out."""

import io
import shlex
from types import SimpleNamespace
from typing import Any

import pytest

from omnitray.api.wire import JobBody, Jobs
from omnitray.base.facts import JobKind
from omnitray.cli.commands import status
from omnitray.cli.parser import EXAMPLES, ORDERS, build_parser
from omnitray.cli.terminal import Terminal


def body(title: str, cpu: float | None, rss: int, growth: float | None, count: int) -> JobBody:
    return JobBody(
        key=title,
        title=title,
        name=title,
        project=None,
        kind=JobKind.COMMAND,
        leader_pid=7,
        process_count=count,
        cpu_percent=cpu,
        rss_bytes=rss,
        pss_bytes=None,
        growth_bps=growth,
        cgroup=None,
        pids=[7],
    )


BODIES = [
    body("make", 90.0, 10_000_000, 0.0, 4),
    body("Browser", 5.0, 900_000_000, None, 30),
    body("leak", None, 300_000_000, 8e6, 1),
]


@pytest.mark.parametrize(
    ("by", "titles"),
    [
        ("weight", ["make", "Browser", "leak"]),  # as the API gives them
        ("cpu", ["make", "Browser", "leak"]),
        ("memory", ["Browser", "leak", "make"]),
        ("growth", ["leak", "make", "Browser"]),
        ("processes", ["Browser", "make", "leak"]),
        ("name", ["Browser", "leak", "make"]),
    ],
)
def test_jobs_are_in_the_order_that_is_asked_for(by: str, titles: list[str]) -> None:
    assert [each.title for each in status.in_order(BODIES, by)] == titles


def printed(**asked: Any) -> list[str]:
    out = io.StringIO()
    found = Jobs(count=len(BODIES), jobs=BODIES)
    context: Any = SimpleNamespace(
        terminal=Terminal(out, io.StringIO(), {}), get=lambda *_, **_k: found
    )
    words: Any = SimpleNamespace(**{"by": "memory", "limit": None, "json": False, **asked})
    assert status.jobs(words, context) == 0
    return out.getvalue().splitlines()


def test_the_order_and_what_is_left_out_are_said() -> None:
    lines = printed(limit=1)
    assert lines[0] == "3 jobs by memory, the most first"
    assert lines[1].split() == ["CPU", "memory", "growth", "leader", "job"]
    assert lines[2].endswith("Browser · 30 processes")
    assert lines[3:] == ["2 more jobs; --limit 3 shows all of them"]
    assert "more" not in "".join(printed())


@pytest.mark.parametrize("by", ORDERS)
def test_every_order_has_its_words(by: str) -> None:
    assert printed(by=by)[0].startswith("3 jobs by ")


def test_every_command_has_one_example_that_parses() -> None:
    parser = build_parser()
    (group,) = [each for each in parser._actions if hasattr(each, "choices") and each.choices]
    assert isinstance(group.choices, dict)
    assert set(group.choices) == set(EXAMPLES)
    for name, sub in group.choices.items():
        words = shlex.split(EXAMPLES[name])
        assert words[:2] == ["omnitray", name]
        parser.parse_args(words[1:])
        assert EXAMPLES[name] in " ".join(sub.format_help().split())


@pytest.mark.parametrize(
    ("words", "value"),
    [
        (["alerts", "--type", "server_down"], "SERVER_DOWN"),
        (["alerts", "--severity", "Critical"], "critical"),
        (["alerts", "--state", "FIRING"], "firing"),
        (["mode", "Test"], "test"),
    ],
)
def test_values_may_be_in_any_case(words: list[str], value: str) -> None:
    assert value in vars(build_parser().parse_args(words)).values()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["alerts", "--type", "nonsense"], "'nonsense' is not allowed; allowed: PERMISSION_ERROR,"),
        (["alerts", "--limit", "0"], "'0' is not allowed; allowed: a whole number from 1 to 5000"),
        (["mode", "fast"], "'fast' is not allowed; allowed: dev, test, prod"),
    ],
)
def test_a_bad_value_is_told_in_one_way(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args(words)
    assert said in capsys.readouterr().err
