"""``[[rule]]``: read with the line of what is wrong, saved without loss, kept when it vanishes."""

from pathlib import Path

import pytest

from omnitray.base.facts import Mode
from omnitray.base.policy import JobRule
from omnitray.settings.check import parse_text
from omnitray.settings.continuity import carry_over
from omnitray.settings.fields import value_of
from omnitray.settings.file import load, parse, save
from omnitray.settings.rules import rule_text

TWO = """
[[rule]]
match = "ffmpeg"
always = "slow_down"

[[rule]]
match = ["~/shop", "*/qemu-*"]
never = ["pause", "end"]
memory_max = "2 GB"
cpu_max = 150
mode = "prod"
"""
NEVER = '[[rule]]\nmatch = "ffmpeg"\nnever = ["end", "pause"]\nalways = "slow_down"\n'


def test_rules_are_read_in_their_order() -> None:
    loaded = parse(TWO)
    assert loaded.problems == ()
    first, second = loaded.settings.protect_policy().rules
    assert (first.words, first.always) == (("ffmpeg",), "slow_down")
    assert second.words == ("~/shop", "*/qemu-*")
    assert (second.memory_max_bytes, second.cpu_max, second.mode) == (2 * 10**9, 150.0, Mode.PROD)
    assert second.counts_in(Mode.PROD)
    assert not second.counts_in(Mode.DEV)


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ('match = "x"\nnever = ["kill"]', "rule.never"),
        ('match = "x"\nalways = "pause"', "rule.always"),
        ('match = "x"\ncpu_max = 0.5', "rule.cpu_max"),
        ('match = "x"\ncpu_max = nan', "rule.cpu_max"),
        ('match = "x"\nmemory_max = "much"', "rule.memory_max"),
        ('match = "x"\nmemory_max = 5', "rule.memory_max"),
        ('match = "x"\nalways = "slow_down"\nmode = "play"', "rule.mode"),
        ('match = "x"\nalways = "slow_down"\nnever = ["slow_down"]', "rule.never"),
        ('match = ""\nalways = "slow_down"', "rule.match"),
        ('always = "slow_down"', "rule.match"),
        ('match = "x"', "rule.match"),
        ('match = "x"\nfoo = 1', "rule.foo"),
    ],
)
def test_a_rule_that_is_not_allowed_is_named_with_its_line_and_left_out(
    line: str, named: str
) -> None:
    loaded = parse(f'[[rule]]\nmatch = "a"\nalways = "slow_down"\n[[rule]]\n{line}\n')
    assert [(each.key, each.line) for each in loaded.problems] == [(named, 4)]
    assert [each.words for each in loaded.settings.rules] == [("a",)]


def test_a_word_that_is_no_table_is_named() -> None:
    (problem,) = parse('rule = "ffmpeg"').problems
    assert problem.key == "rule.rule"


def test_saving_another_key_keeps_rules_and_comments(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("# mine\n" + TWO)
    save(file, {"mode": "test"})
    assert "# mine" in file.read_text()
    assert load(file).settings.rules == parse(TWO).settings.rules


def test_rules_are_saved_as_tables(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[api]\nport = 8000\n")
    save(file, {"rule": value_of(parse(TWO).settings, "rule")})
    assert file.read_text().count("[[rule]]") == 2
    assert load(file).settings.rules == parse(TWO).settings.rules
    save(file, {"rule": []})
    assert load(file).settings.rules == ()
    assert load(file).settings.api.port == 8000


def test_a_line_for_each_rule_reads_back() -> None:
    rules = parse(TWO).settings.rules
    typed = parse_text("rule", "\n".join(map(rule_text, rules)))
    assert isinstance(typed, list)
    assert typed == value_of(parse(TWO).settings, "rule")


def test_what_is_no_rule_is_not_saved(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    problem = save(file, {"rule": parse_text("rule", "slow it all down")})
    assert not file.exists()
    assert problem is not None


@pytest.mark.parametrize(
    "after",
    [
        "mode = 'dev'\n",  # the key is gone
        "rule = []\n",
        '[[rule]]\nmatch = "other"\nnever = ["end"]\n',  # another stands there
        '[[rule]]\nmatch = "ffmpeg"\nnever = ["pause"]\n',  # it forbids less
        '[[rule]]\nmatch = "ffmpeg"\nnever = ["pause", "end"]\nmode = "test"\n',  # in one mode
        '[[rule]]\nmatch = "ffmpeg"\nnever = ["pause", "kil"]\n',  # a slip of the pen
    ],
)
def test_what_a_rule_forbids_stays_when_it_vanishes(after: str) -> None:
    before = parse(NEVER)
    now = carry_over(parse(after), before)
    kept = JobRule(match="ffmpeg", never=("end", "pause"))
    assert kept in now.settings.rules  # without its ``always``: that widened what is done
    assert any(each.key == "rule" for each in now.problems)
    again = carry_over(parse(after), now)
    assert kept in again.settings.rules


def test_what_the_person_takes_out_through_us_is_gone() -> None:
    now = carry_over(parse("rule = []\n"), parse(NEVER), {"rule"})
    assert now.settings.rules == ()
    assert now.problems == ()


@pytest.mark.parametrize(
    "after",
    [NEVER, '[[rule]]\nmatch = ["ffmpeg", "x264"]\nnever = ["end", "pause", "slow_down"]\n'],
)
def test_a_rule_that_forbids_as_much_replaces_it(after: str) -> None:
    found = parse(after)
    assert carry_over(found, parse(NEVER)) == found
