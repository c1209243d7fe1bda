"""``jobs`` and ``top``: their order, and what they say of what they leave out."""

import io
import shlex
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from omnitray.api import wire
from omnitray.api.wire import JobBody, Jobs
from omnitray.base.facts import JobKind
from omnitray.cli.commands import protector, status
from omnitray.cli.parser import EXAMPLES, ORDERS, build_parser
from omnitray.cli.terminal import Terminal
from omnitray.protector.view import ActionOutcome
from support import fake_door
from support.api_server import Running
from support.command_line import Run


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
    ("words", "allowed"),
    [
        (["alerts", "--type", "VALUE"], "PERMISSION_ERROR, "),
        (["alerts", "--limit", "VALUE"], "a whole number from 1 to 5000"),
        (["alerts", "--since", "VALUE"], "a time such as "),
        (["mode", "VALUE"], "dev, test, prod"),
        (["snooze", "VALUE"], "a duration such as "),
        (["record", "--for", "VALUE", "x.jsonl.xz"], "a duration such as "),
        (["record", "VALUE"], "a name that ends in .jsonl.xz"),
        (["export", "VALUE"], "a name that ends in .jsonl, .json or .csv"),
        (["history", "--series", "VALUE"], "cpu, memory, "),
        (["serve", "VALUE", "--", "true"], "1 to 40 of a-z, 0-9, _ and -"),
        (["serve", "api", "--health", "ftp://VALUE", "--", "true"], "http://HOST:PORT/PATH, "),
        (["run", "--memory", "VALUE", "--", "true"], "a size such as "),
        (["run", "--cpu", "VALUE", "--", "true"], "a percentage; "),
        (["run", "--timeout", "VALUE", "--", "true"], "a duration such as "),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_a_bad_value_is_told_in_one_way(omnitray: Run, words: list[str], allowed: str) -> None:
    outcome = omnitray(*words)
    assert outcome.code == (125 if words[0] == "run" else 2)
    given = next(word for word in words if "VALUE" in word)
    assert f"'{given}' is not allowed; allowed: {allowed}" in outcome.err


ENDING = "make -j8 (9 processes) was asked to stop; what has not in 10 s is ended."


@pytest.mark.parametrize("words", [("end", "shop"), ("answer", "q1", "end")], ids=" ".join)
@pytest.mark.parametrize(
    ("outcomes", "code", "said"),
    [
        (["not reversible", "ended"], 0, "ended make -j8"),
        (["reversible", "not reversible", "failed"], 1, "ended make -j8: it could not be ended"),
        (["not reversible"], 1, "it still runs; what becomes of it: omnitray actions"),
    ],
)
def test_an_end_is_waited_for(
    api: Running,
    omnitray: Run,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    outcomes: list[str],
    code: int,
    said: str,
) -> None:
    left = [ActionOutcome(each) for each in outcomes]

    def page() -> Any:
        outcome = left.pop(0) if len(left) > 1 else left[0]
        line = fake_door.journal_line(outcome)
        line = msgspec.structs.replace(line, action_id="t-1", what="ended make -j8")
        return msgspec.structs.replace(fake_door.protection(), journal=(line,))

    begun = wire.Done(done=(ENDING,), action_id="t-1")
    monkeypatch.setattr(api.door, "_carry_out", lambda _: begun)
    monkeypatch.setattr(api.door, "protection", page)
    monkeypatch.setattr(protector, "_LOOK_S", 0.01)
    if len(outcomes) == 1:  # it never ends
        monkeypatch.setattr(protector, "_ENDED_WITHIN_S", 0.1)
    outcome = omnitray(*words)
    assert outcome.out.startswith("make -j8 (9 processes) was asked to stop")
    assert outcome.code == code
    assert said in (outcome.err if code else outcome.out)
    left = [ActionOutcome(each) for each in outcomes]
    printed = omnitray(*words, "--json")
    assert printed.code == code
    assert printed.json.get("action_id", printed.json.get("error")) == ("failed" if code else "t-1")
