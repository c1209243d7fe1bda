"""The settings file as a person writes it, with everything that can be wrong with it.

``[[rule]]``: read with the line of what is wrong, saved without loss, kept when it vanishes.
"""

import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnitray.base.facts import Mode, MonitorLevel, ProtectState, Severity
from omnitray.base.policy import AlertPolicy, JobRule, MonitorPolicy, ProtectPolicy
from omnitray.settings.check import check, parse_text, rule_text, set_value
from omnitray.settings.continuity import carry_over
from omnitray.settings.faults import Fault, Problem
from omnitray.settings.file import NO_FILE, Loaded, changed, load, parse, save
from omnitray.settings.model import FIELDS, RULES, Settings, ValueKind, default_of, value_of

DOCUMENTED = """\
mode = "test"                    # dev | test | prod
level = "intensive"
[thresholds.cpu]                 # likewise memory, disk (per cent)
warning = 60
critical = 95
clear_below = 5
hold_s = 2
[protect]
state = "watch"
protected = ["firefox", "~/shop"]
[protect.dev]
cpu_percent = 50
memory_percent = 70
hold_s = 1
memory_floor_percent = 6
swap_floor_percent = 20
[api]
enabled = false
port = 9000
listen = "127.0.0.1"
[notifications]
enabled = false
repeat_floor_s = 120
from = "warning"
"""

TEN_MISTAKES = """\
mode = "production"
lvel = "idle"
[thresholds.cpu]
warning = 170
critical = "high"
[thresholds.memory]
warning = 95
critical = 90
[protect]
state = true
protected = "firefox"
[api]
port = 80.5
listen = "0.0.0.0"
[notifications]
from = "everything"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def _settings(outcome: Settings | Problem) -> Settings:
    assert isinstance(outcome, Settings), outcome
    return outcome


def _saved(outcome: Loaded | Problem) -> Loaded:
    assert isinstance(outcome, Loaded), outcome
    return outcome


def test_no_file_means_the_defaults_of_the_core(file: Path) -> None:
    loaded = load(file)
    assert loaded == Loaded(Settings(), (), NO_FILE)
    assert loaded.settings.monitor_policy() == MonitorPolicy()
    assert loaded.settings.alert_policy() == AlertPolicy()
    assert loaded.settings.protect_policy() == ProtectPolicy()


def test_every_documented_name_is_read() -> None:
    loaded = parse(DOCUMENTED)
    assert loaded.problems == ()
    protect = loaded.settings.protect_policy()
    assert (protect.mode, protect.state) == (Mode.TEST, ProtectState.WATCH)
    assert protect.protected == ("firefox", "~/shop")
    assert (protect.dev.cpu_percent, protect.dev.swap_floor_percent) == (50, 20)
    monitor = loaded.settings.monitor_policy()
    assert monitor.level is MonitorLevel.INTENSIVE
    assert (monitor.thresholds.cpu.warning, monitor.thresholds.cpu.hold_s) == (60, 2)
    assert loaded.settings.api.port == 9000
    assert not loaded.settings.api.enabled
    alerts = loaded.settings.alert_policy()
    assert (alerts.enabled, alerts.repeat_floor_s) == (False, 120)
    assert alerts.notify_from is Severity.WARNING


def test_a_band_given_in_part_keeps_the_defaults_of_its_resource() -> None:
    assert parse("[thresholds.disk]\nhold_s = 1").settings.thresholds.disk.critical == 95


def _watching(settings: Settings) -> Settings:
    protect = msgspec.structs.replace(settings.protect, state=ProtectState.WATCH)
    return msgspec.structs.replace(settings, protect=protect)


@pytest.mark.parametrize("text", ["[protect", '[protect]\nstate = "Watch"\n'])
def test_a_slip_of_the_pen_does_not_arm_the_protector(text: str) -> None:
    loaded = parse(text)
    assert loaded.problems
    assert loaded.settings == _watching(Settings())


def test_a_file_with_ten_mistakes_reports_ten_and_still_starts() -> None:
    loaded = parse(TEN_MISTAKES)
    assert len(loaded.problems) == 10
    # The defaults, but for what a slip of the pen must not arm.
    assert loaded.settings == _watching(Settings())
    lines = [problem.line for problem in loaded.problems]
    assert lines == [1, 2, 4, 5, 8, 10, 11, 13, 14, 16]


def test_a_problem_says_where_what_and_what_is_used_instead() -> None:
    (problem,) = parse('[thresholds.cpu]\n\nwarning = 170 # "much"').problems
    assert problem.sentence == (
        "line 3: thresholds.cpu.warning = 170: the value is not allowed;"
        " allowed: a number from 1 to 100 %; using 70"
    )


def test_an_unknown_key_is_named_with_the_nearest_known_one() -> None:
    (problem,) = parse("[api]\nprot = 1\nenabled = true").problems
    assert (problem.fault, problem.key, problem.line) == (Fault.UNKNOWN, "api.prot", 2)
    assert problem.sentence == (
        "line 2: api.prot = 1: there is no such setting; did you mean api.port?"
    )


def test_values_that_do_not_go_together_fall_back_together() -> None:
    loaded = parse("[thresholds.cpu]\nwarning = 90\nhold_s = 9")
    (problem,) = loaded.problems
    assert problem.fault is Fault.CONFLICT
    assert problem.line == 2
    assert loaded.settings.thresholds.cpu.warning == 70
    assert loaded.settings.thresholds.cpu.hold_s == 9


def test_listening_to_others_needs_a_certificate_and_a_key() -> None:
    assert parse('[api]\nlisten = "0.0.0.0"').settings.api.listen == "127.0.0.1"
    safe = '[api]\nlisten = "0.0.0.0"\ncertificate = "c.pem"\nkey = "k.pem"'
    assert parse(safe).settings.api.open_to_others


@pytest.mark.parametrize("text", ["mode = ", "[a\n", 'mode = "dev"\nmode = "test"', "\x01"])
def test_broken_toml_is_named_with_its_line_and_never_rewritten(file: Path, text: str) -> None:
    file.write_text(text)
    loaded = load(file)
    (problem,) = loaded.problems
    assert problem.fault is Fault.BROKEN
    assert problem.line >= 1
    assert "allowed" not in problem.sentence
    assert problem.sentence.endswith("; using the defaults, but protection only watches")
    assert save(file, {"mode": "test"}) == problem
    assert file.read_text() == text


def test_bytes_that_are_not_text_are_survived(file: Path) -> None:
    file.write_bytes(b'mode = "\xff"')
    (problem,) = load(file).problems
    assert problem.sentence.startswith("config.toml: the file cannot be read; it is not UTF-8 text")
    assert isinstance(save(file, {"mode": "test"}), Problem)


def test_a_folder_in_the_files_place_is_survived(file: Path) -> None:
    file.mkdir()
    (problem,) = load(file).problems
    assert problem.fault is Fault.UNREADABLE
    assert problem.told().startswith("config.toml: the file cannot be read; it is a folder;")


def test_a_file_in_the_place_of_its_folder_is_survived(tmp_path: Path) -> None:
    (tmp_path / "config").touch()
    (problem,) = load(tmp_path / "config" / "config.toml").problems
    assert "config is a file, and a folder is needed" in problem.sentence


def test_a_byte_order_mark_is_no_mistake(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbfmode = 'prod'")
    assert load(file).settings.mode is Mode.PROD


def test_saving_keeps_comments_order_and_what_nobody_knows(file: Path) -> None:
    file.write_text("# mine\nmode = 'dev' # why\n[future]\nx = 1\n[thresholds.cpu]\nwarning = 60\n")
    loaded = _saved(save(file, {"mode": "test", "thresholds.cpu.critical": 99, "api.port": 9001}))
    assert loaded.settings.mode is Mode.TEST
    assert loaded.settings.api.port == 9001
    text = file.read_text()
    assert "# mine\n" in text
    assert 'mode = "test" # why' in text
    assert "[future]\nx = 1" in text
    assert "warning = 60" in text
    assert load(file).settings.thresholds.cpu.critical == 99


def test_saving_starts_from_what_is_on_disk_now(file: Path) -> None:
    first = _saved(save(file, {"mode": "test"}))
    file.write_text(file.read_text() + "[api]\nport = 9002\n")
    assert changed(file, first.stamp)
    assert _saved(save(file, {"level": "idle"})).settings.api.port == 9002


def test_none_takes_a_value_back_to_its_default(file: Path) -> None:
    save(file, {"mode": "test", "api.port": 9000})
    assert _saved(save(file, {"mode": None, "level": None})).settings.mode is Mode.DEV
    assert "mode" not in file.read_text()


def test_two_values_may_move_together_past_each_other(file: Path) -> None:
    both = {"thresholds.cpu.warning": 90, "thresholds.cpu.critical": 95}
    assert _saved(save(file, both)).settings.thresholds.cpu.warning == 90
    assert isinstance(save(file, {"thresholds.cpu.critical": 80}), Problem)


def test_a_refused_change_leaves_no_file(file: Path) -> None:
    outcome = save(file, {"mode": "production"})
    assert isinstance(outcome, Problem)
    assert outcome.allowed == "one of dev, test, prod"
    assert not file.exists()


def test_a_linked_file_stays_linked(file: Path, tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    target = tmp_path / "dotfiles/omnitray.toml"
    target.write_text("mode = 'dev'\n")
    file.symlink_to(target)
    save(file, {"mode": "prod"})
    assert file.is_symlink()
    assert load(target).settings.mode is Mode.PROD


def test_the_file_is_private(file: Path) -> None:
    save(file, {"mode": "test"})
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_change_is_seen_by_its_stamp_even_within_one_tick_of_the_clock(file: Path) -> None:
    loaded = _saved(save(file, {"api.port": 9001}))
    assert not changed(file, loaded.stamp)
    save(file, {"api.port": 9002})
    os.utime(file, ns=(loaded.stamp[0], loaded.stamp[0]))
    assert changed(file, loaded.stamp)


def test_setting_one_value_gives_new_settings_or_the_reason_why_not() -> None:
    settings = _settings(set_value(Settings(), "notifications.from", "info"))
    assert settings.notifications.notify_from is Severity.INFO
    refused = set_value(settings, "thresholds.cpu.warning", 85)
    assert isinstance(refused, Problem)
    assert refused.used == "70 and 85"
    assert isinstance(set_value(settings, "nothing", 1), Problem)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: str(field.key))
def test_every_field_has_a_default_that_it_allows_and_words(field: msgspec.Struct) -> None:
    known = next(each for each in FIELDS if each == field)
    assert check(known, default_of(known.key)) is None
    assert known.title
    assert known.help.endswith(".")


def test_the_table_holds_every_setting_and_no_other() -> None:
    def leaves(tree: dict[str, object], stem: str = "") -> set[str]:
        found: set[str] = set()
        for name, value in tree.items():
            key = stem + name
            found |= leaves(value, key + ".") if isinstance(value, dict) else {key}
        return found

    assert {field.key for field in FIELDS} == leaves(msgspec.to_builtins(Settings()))


def test_the_defaults_break_no_rule() -> None:
    assert all(rule.holds(Settings()) for rule in RULES)


def test_what_a_person_types_becomes_what_the_file_holds() -> None:
    assert parse_text("api.port", "9000") == 9000
    assert parse_text("thresholds.cpu.hold_s", "2.5") == 2.5
    assert parse_text("api.enabled", "off") is False
    assert parse_text("protect.protected", "a, b,") == ["a", "b"]
    assert parse_text("api.port", "high") == "high"


@given(st.text(max_size=300))
def test_no_text_makes_reading_fail(text: str) -> None:
    assert isinstance(parse(text).settings, Settings)


VALUES = st.one_of(
    st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.lists(st.text(max_size=3))
)


@given(st.dictionaries(st.sampled_from([field.key for field in FIELDS]), VALUES, max_size=8))
def test_saving_writes_all_or_nothing_and_reads_back_the_same(
    tmp_path_factory: pytest.TempPathFactory, changes: dict[str, object]
) -> None:
    file = tmp_path_factory.mktemp("save") / "config.toml"
    outcome = save(file, changes)
    if isinstance(outcome, Problem):
        assert not file.exists()
        return
    assert outcome.problems == ()
    for key, value in changes.items():
        assert value_of(outcome.settings, key) == value


def test_kinds_are_all_used() -> None:
    assert {field.kind for field in FIELDS} == set(ValueKind)


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
    fields = [f"rule.{each.partition(' ')[0]}" for each in line.splitlines()]
    at = 5 + fields.index(named) if named in fields else 4
    assert [(each.key, each.line) for each in loaded.problems] == [(named, at)]
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
