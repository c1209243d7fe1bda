"""What holds where a process lacks what most have.

The reserve of descriptors, in a process whose limit is set to what it has.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from omnitray.base import process_environment
from omnitray.base.paths import find_paths
from omnitray.base.process_environment import (
    expanded,
    hearable,
    home,
    is_survived,
    processors,
    run_folder,
    set_up_working_folder,
    terminal_columns,
    working_folder,
)


def no_entry(_uid: int) -> None:
    raise KeyError("no such user")


@pytest.mark.parametrize("named", ["", "relative/place"])
def test_a_home_that_is_no_place_is_that_of_the_password_database(named: str) -> None:
    assert home({"HOME": named}) == Path(os.path.expanduser(f"~{_own_name()}"))  # noqa: PTH111
    assert home({"HOME": "/home/me"}) == Path("/home/me")


def _own_name() -> str:
    import pwd  # noqa: PLC0415

    return pwd.getpwuid(os.getuid()).pw_name


def test_without_a_home_and_an_entry_it_is_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", no_entry)
    assert home({}) == Path("/")
    paths = find_paths({})
    assert (paths.config, paths.data) == (
        Path("/.config/omnitray"),
        Path("/.local/share/omnitray"),
    )
    assert all(each.is_absolute() for each in (paths.config, paths.data, paths.state, paths.run))


def test_a_tilde_is_the_home_and_a_user_that_is_not_there_a_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert expanded("~") == Path("/home/me")
    assert expanded("~/x") == Path("/home/me/x")
    assert expanded("~no-such-user/x") == Path("~no-such-user/x")
    assert expanded("x/y") == Path("x/y")


def test_a_working_folder_that_was_deleted_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert working_folder() == Path("/")
    assert find_paths({"OMNITRAY_HOME": "here"}).config == Path("/here/config")
    set_up_working_folder()
    assert Path.cwd() == Path("/")


@pytest.mark.parametrize(
    ("columns", "width"), [("", 33), ("0", 33), ("-5", 33), ("x", 33), ("120", 120)]
)
def test_a_width_that_is_none_is_unknown(
    monkeypatch: pytest.MonkeyPatch, columns: str, width: int
) -> None:
    monkeypatch.setattr(os, "get_terminal_size", lambda: os.terminal_size((0, 0)))
    assert terminal_columns(33, {"COLUMNS": columns}) == width


def test_no_terminal_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> os.terminal_size:
        raise OSError("no terminal")

    monkeypatch.setattr(os, "get_terminal_size", refuse)
    assert terminal_columns(33, {}) == 33


def test_a_run_folder_of_another_user_or_of_a_session_that_is_over_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run_folder({"XDG_RUNTIME_DIR": str(tmp_path)}) == tmp_path
    usual = run_folder({})
    assert run_folder({"XDG_RUNTIME_DIR": str(tmp_path / "gone")}) == usual
    assert run_folder({"XDG_RUNTIME_DIR": "relative"}) == usual
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    foreign = run_folder({"XDG_RUNTIME_DIR": str(tmp_path)})
    assert foreign.name == "runtime-12345"


def test_where_nothing_temporary_can_be_written_it_is_in_the_home(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse() -> str:
        raise FileNotFoundError("no usable temporary directory")

    monkeypatch.setattr("tempfile.gettempdir", refuse)
    monkeypatch.setattr(process_environment, "_is_ours", lambda _place: False)
    assert run_folder({}) == home() / ".cache"


def test_signals_that_were_ignored_before_us_stay_so(monkeypatch: pytest.MonkeyPatch) -> None:
    ignored = {signal.SIGHUP: signal.SIG_IGN}
    monkeypatch.setattr(signal, "getsignal", lambda each: ignored.get(each, signal.SIG_DFL))
    assert hearable(("SIGINT", "SIGHUP", "SIGNONE")) == (signal.SIGINT,)


def test_only_the_processors_that_we_may_use_count() -> None:
    own = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(own)})
        assert processors() == 1
    finally:
        os.sched_setaffinity(0, own)


def abort() -> None:
    os.abort()


def fail() -> None:
    raise ValueError("no")


def hang() -> None:
    time.sleep(60)


def live() -> None:
    os.write(1, b"nobody reads this")


@pytest.mark.parametrize(
    ("attempt", "survived"), [(live, True), (abort, False), (fail, False), (hang, False)]
)
def test_an_attempt_that_ends_a_process_ends_a_silent_copy(
    capfd: pytest.CaptureFixture[str], attempt: object, *, survived: bool
) -> None:
    assert callable(attempt)
    assert is_survived(attempt, limit_s=1.0) is survived
    assert capfd.readouterr() == ("", "")


CLOSED = """
import os, sys
from omnitray.base.process_environment import set_up_streams
before = [name for name in ("stdin", "stdout", "stderr") if getattr(sys, name) is None]
set_up_streams()
file = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
os.write(file, f"{file > 2} {before}".encode())
print("lost")
os.write(1, b"lost too")
"""


def test_no_file_of_ours_gets_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    said = tmp_path / "said"
    command = 'exec "$@" <&- >&- 2>&-'
    python = [sys.executable, "-c", CLOSED, str(said)]
    subprocess.run(["sh", "-c", command, "sh", *python], check=True)
    assert said.read_text() == "True ['stdin', 'stdout', 'stderr']"


def test_what_a_stream_cannot_say_is_escaped() -> None:
    code = (
        "from omnitray.base.process_environment import set_up_streams; set_up_streams();"
        "print('caf\\u00e9 \\udcff \\u2192')"
    )
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    assert done.stdout == b"caf\\xe9 \\udcff \\u2192\n"


CODE = """
import os, resource, sys
from omnitray.base.process_environment import DescriptorReserve
reserve = DescriptorReserve()
assert not reserve.tend() and not reserve.is_spent
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
taken = []
if sys.argv[1] == "limit":
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) - 1, hard))
else:
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
    try:
        while True:
            taken.append(os.dup(0))
    except OSError:
        pass
try:
    open("/dev/null").close()
    sys.exit("there is one left")
except OSError:
    pass
assert reserve.tend() and reserve.is_spent
free = [os.open("/dev/null", os.O_RDONLY) for _ in range(12)]
assert not reserve.tend() and reserve.is_spent
for each in free + taken:
    os.close(each)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
assert reserve.tend() and not reserve.is_spent
assert not reserve.tend()
reserve.close()
print("whole")
"""


@pytest.mark.parametrize("how", ["limit", "leak"])
def test_the_reserve_is_given_away_when_none_is_left_and_taken_back(how: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE, how],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "whole\n", "")


ZONE = """
import datetime as dt
from omnitray.base.process_environment import set_up_time_zone
set_up_time_zone()
print(dt.datetime(2026, 1, 1).astimezone().utcoffset())
"""


@pytest.mark.parametrize(
    ("zone", "offset"),
    [
        ("<+99>-99:59:59", "0:00:00"),
        ("<+24>-24", "0:00:00"),
        ("<-24>24", "0:00:00"),
        ("<+23>-23:59:59", "23:59:59"),
        ("<-03>3", "-1 day, 21:00:00"),
        ("nonsense", "0:00:00"),
    ],
)
def test_a_time_zone_that_python_cannot_count_with_is_utc(zone: str, offset: str) -> None:
    environment = {**os.environ, "TZ": zone}
    command = [sys.executable, "-c", ZONE]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == offset


FILES = """
import resource, sys
from omnitray.base.process_environment import lacking_files
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[2])))
print(lacking_files())
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(
    ("given", "then", "starts"),
    [
        ((24, 24), "24 24", False),
        ((47, 47), "47 47", False),
        ((48, 48), "48 48", True),
        ((24, 100), "100 100", True),
        ((40, 4096), "1024 4096", True),
        ((2000, 4096), "2000 4096", True),
    ],
)
def test_it_starts_with_as_many_files_as_it_needs_and_takes_what_it_may(
    given: tuple[int, int], then: str, *, starts: bool
) -> None:
    command = [sys.executable, "-c", FILES, *map(str, given)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lack, limits = done.stdout.splitlines()
    assert (lack == "") is starts
    assert starts or lack.startswith(f"only {given[1]} files may be open at once")
    assert limits == then
