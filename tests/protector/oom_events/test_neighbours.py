import pytest

from omnitray.base.facts import ProcessFacts
from omnitray.protector.oom_events.daemons import OomDaemon, other_oom_daemons


def found(name: str, *arguments: str, files: dict[str, str] | None = None) -> OomDaemon | None:
    process = ProcessFacts(pid=7, ppid=1, start_ticks=1, name=name, state="S")
    read = (files or {}).get
    told = other_oom_daemons([process], lambda _process: arguments, lambda path: read(path) or "")
    return told[0] if told else None


@pytest.mark.parametrize(
    ("arguments", "percent"),
    [
        (("earlyoom",), 10.0),
        (("earlyoom", "-m", "4"), 4.0),
        (("earlyoom", "-r", "60", "-m", "15,8"), 15.0),
        (("earlyoom", "-m6"), 6.0),
        (("earlyoom", "-m"), 10.0),
        (("earlyoom", "-m", "nonsense"), 10.0),
        (("earlyoom", "--prefer", "-m", "--avoid", "^(-m|7)$"), 10.0),
        (("earlyoom", "--prefer=-m 3", "-m", "6"), 6.0),
        (("earlyoom", "--pref", "-m3", "-m", "6"), 6.0),  # getopt_long takes what is unique
        (("earlyoom", "-gm", "6", "-r60"), 6.0),
        (("earlyoom", "-s", "-m", "-m", "8"), 8.0),  # the value of -s
        (("earlyoom", "-m", "4", "-m", "9,3"), 9.0),
        (("earlyoom", "--", "-m", "4"), 10.0),
        (("earlyoom", "-M", "800000,400000"), 5.0),
        (("earlyoom", "-M", "800000", "-m", "3"), 3.0),
        (("earlyoom", "-N", "/usr/bin/tell", "-m", "12"), 12.0),
        (("earlyoom", "--of-a-later-version", "-m", "4"), 10.0),
    ],
)
def test_earlyooms_line_is_read_from_its_arguments(
    arguments: tuple[str, ...], percent: float
) -> None:
    files = {"/proc/meminfo": "MemTotal:       16000000 kB\nMemFree: 1 kB\n"}
    neighbour = found("earlyoom", *arguments, files=files)
    assert neighbour is not None
    assert neighbour.memory_percent == percent


@pytest.mark.parametrize(
    ("arguments", "percent"),
    [((), 10.0), (("-s", "25,10"), 25.0), (("-S", "500000"), 100.0), (("-s100",), 100.0)],
)
def test_earlyoom_acts_only_where_swap_is_short_too(
    arguments: tuple[str, ...], percent: float
) -> None:
    neighbour = found("earlyoom", "earlyoom", *arguments)
    assert neighbour is not None
    assert neighbour.swap_percent == percent


@pytest.mark.parametrize(("numbers", "ours"), [("7", True), ("7\t1", False), ("7 3 1", False)])
def test_one_in_a_container_guards_nothing_of_ours(numbers: str, *, ours: bool) -> None:
    status = {"/proc/7/status": f"Name:\tearlyoom\nNSpid:\t{numbers}\nVmRSS: 1 kB\n"}
    assert (found("earlyoom", "earlyoom", files=status) is not None) is ours


def test_an_earlyoom_that_only_rehearses_ends_nobody() -> None:
    neighbour = found("earlyoom", "earlyoom", "-m", "9", "--dryrun")
    assert neighbour is not None
    assert (neighbour.ends, neighbour.memory_percent) == (False, None)
    assert "ends nobody" in neighbour.sentence(5.0)


@pytest.mark.parametrize(
    ("line", "percent"),
    [
        ("soft_threshold_min_mem = 7.5 %", 7.5),
        ("  soft_threshold_min_mem=8%", 8.0),
        ("soft_threshold_min_mem = 1000 M", 6.4),
        ("# soft_threshold_min_mem = 7.5 %", None),
        ("soft_threshold_min_mem = many", None),
    ],
)
def test_nohangs_line_is_in_per_cent_or_mebibytes(line: str, percent: float | None) -> None:
    files = {"/n.conf": f"# x\n{line}\n", "/proc/meminfo": "MemTotal:       16000000 kB\n"}
    neighbour = found("nohang", "python3", "-c", "x", "/sbin/nohang", "-c", "/n.conf", files=files)
    assert neighbour is not None
    assert neighbour.memory_percent == percent


def test_nohang_is_found_behind_its_interpreter_and_read_from_its_configuration() -> None:
    files = {"/etc/nohang/nohang.conf": "# x\nsoft_threshold_min_mem = 7.5 %\n"}
    arguments = ("python3", "/usr/sbin/nohang", "--monitor", "--config", "/etc/nohang/nohang.conf")
    neighbour = found("python3", *arguments, files=files)
    assert neighbour is not None
    assert (neighbour.name, neighbour.memory_percent) == ("nohang", 7.5)
    unread = found("nohang", *arguments)
    assert unread is not None
    assert unread.memory_percent is None


def test_systemd_oomd_says_its_own_line() -> None:
    neighbour = found("systemd-oomd", files={"/etc/systemd/oomd.conf": "[OOM]\nSwapUsedLimit=80%"})
    assert neighbour is not None
    assert "80 % used" in neighbour.sentence(5.0)


def test_it_is_said_who_comes_first() -> None:
    early, late = found("earlyoom", "earlyoom", "-m", "10"), found("earlyoom", "earlyoom", "-m3")
    assert early is not None
    assert late is not None
    assert early.sentence(5.0).endswith("before our 5 %")
    assert late.sentence(5.0).endswith("our 5 % comes before it")


@pytest.mark.parametrize("name", ["python3", "bash", "earlyoom-gui", "nohang-tray"])
def test_others_are_no_neighbours(name: str) -> None:
    assert found(name, name, "/home/me/earlyoom.py") is None


@pytest.mark.parametrize("name", ["earlyoom", "nohang", "systemd-oomd", "bustd", "oomd"])
def test_it_is_known_which_of_them_end_processes(name: str) -> None:
    neighbour = found(name)
    assert neighbour is not None
    assert neighbour.ends


def test_who_only_sets_priorities_ends_nobody() -> None:
    neighbour = found("ananicy-cpp")
    assert neighbour is not None
    assert not neighbour.ends
