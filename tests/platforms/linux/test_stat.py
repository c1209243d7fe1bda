import os
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from omnitray.platforms.linux.proc import PAGE_BYTES, parse_stat, start_ticks, used_ns
from support.fake_proc import stat_line

NAMES = st.binary(max_size=64).filter(lambda name: b"\0" not in name)


def test_a_line_of_the_kernel_is_read_field_by_field() -> None:
    line = stat_line(
        7, "make", state="R", ppid=3, group=6, session=5, tty=34817, nice=-5, threads=9, rss=3
    )
    facts = parse_stat(line)
    assert facts is not None
    assert (facts.pid, facts.ppid, facts.name, facts.state) == (7, 3, "make", "R")
    assert (facts.group, facts.session, facts.tty) == (6, 5, 34817)
    assert (facts.nice, facts.threads, facts.start_ticks) == (-5, 9, 1007)
    assert facts.rss_bytes == 3 * PAGE_BYTES
    assert (facts.uid, facts.cpu_percent) == (None, None)


@given(NAMES)
@example(b"foo) Z ")
@example(b"foo) Z 1 1 1 1")
@example(b")")
@example(b"((")
@example(b"")
@example(b"two\nlines")
@example(b"\xff\xfe\x80")
def test_no_name_can_be_mistaken_for_fields(name: bytes) -> None:
    line = stat_line(42, name, state="S", ppid=77, utime=150, stime=50)
    facts = parse_stat(line)
    assert facts is not None
    assert (facts.pid, facts.ppid, facts.state, facts.start_ticks) == (42, 77, "S", 1042)
    assert facts.name.isprintable()
    assert start_ticks(line) == 1042
    assert used_ns(line) == 2_000_000_000


@given(NAMES, NAMES)
def test_different_valid_names_stay_different(one: bytes, other: bytes) -> None:
    names = []
    for raw in (one, other):
        facts = parse_stat(stat_line(1, raw))
        assert facts is not None
        names.append(facts.name)
    if b"\\" not in one + other and one != other:
        assert names[0] != names[1]


@given(st.binary(max_size=400))
def test_garbage_is_no_process_and_no_error(raw: bytes) -> None:
    parse_stat(raw)
    start_ticks(raw)


@given(st.data())
def test_a_line_cut_short_is_no_process(data: st.DataObject) -> None:
    line = stat_line(42, b"a) b", rss=5)
    fields_end = line.index(b" 5 0 ")
    cut = data.draw(st.integers(0, fields_end))
    assert parse_stat(line[:cut]) is None


def test_our_own_line_is_understood() -> None:
    facts = parse_stat(Path("/proc/self/stat").read_bytes())
    assert facts is not None
    assert facts.pid == os.getpid()
    assert facts.ppid == os.getppid()
    assert facts.session == os.getsid(0)
    assert facts.group == os.getpgrp()
    assert facts.rss_bytes > 1 << 20
