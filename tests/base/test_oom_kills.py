"""The kernel's own count of what it has ended."""

from pathlib import Path

from omnitray.base.oom_kills import oom_kills, rose


def test_the_count_is_read_where_it_is_said(tmp_path: Path) -> None:
    vmstat = tmp_path / "vmstat"
    vmstat.write_text("nr_free_pages 9\noom_kill 3\nnuma_hit 1\n")
    assert oom_kills(str(vmstat)) == 3
    vmstat.write_text("nr_free_pages 9\n")
    assert oom_kills(str(vmstat)) is None
    vmstat.write_text("oom_kill many\n")
    assert oom_kills(str(vmstat)) is None
    assert oom_kills(str(tmp_path / "none")) is None


def test_only_a_count_that_grew_says_something() -> None:
    assert rose(3, 4)
    assert not rose(3, 3)
    assert not rose(None, 4)
    assert not rose(3, None)
