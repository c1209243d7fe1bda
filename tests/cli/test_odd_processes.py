"""The whole program, started as a process that lacks what most have; it runs all the same."""

import itertools
import os
import pty
import resource
import signal
import socket
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.children import PATIENCE_S, eventually

PROGRAM = (sys.executable, "-m", "omnitray")
NOT_ARMED = '[protect]\nstate = "off"\n[api]\n'
TOLD_BY_SESSIONS = (
    *("DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"),
    *("QT_QPA_PLATFORM", "COLUMNS"),
)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Nothing of this session, folders of the test's own; protection is off."""
    (tmp_path / "home/config").mkdir(parents=True)
    (tmp_path / "home/config/config.toml").write_text(NOT_ARMED)
    own = {name: each for name, each in os.environ.items() if name not in TOLD_BY_SESSIONS}
    root = str(Path(__file__).parents[2])
    return {**own, "OMNITRAY_HOME": str(tmp_path / "home"), "PYTHONPATH": root}


@contextmanager
def started(
    environment: dict[str, str], *options: str, wrapper: tuple[str, ...] = ()
) -> Iterator["subprocess.Popen[str]"]:
    """The program, once its API answers."""
    run = Path(environment["OMNITRAY_HOME"], "run/api.json")
    with subprocess.Popen(
        (*wrapper, *PROGRAM, *options), env=environment, stdout=subprocess.PIPE, text=True
    ) as program:
        try:
            eventually(lambda: run.exists() or program.poll() is not None)
            assert program.poll() is None, program.communicate()
            eventually(lambda: answered(environment).returncode == 0)
            yield program
        finally:
            program.kill()


def answered(
    environment: dict[str, str], *words: str, wrapper: tuple[str, ...] = ()
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        (*wrapper, *PROGRAM, *(words or ("status",))),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def ended(program: "subprocess.Popen[str]") -> str:
    """It ends well when it is told to; what it has printed."""
    program.send_signal(signal.SIGTERM)
    out, _ = program.communicate(timeout=PATIENCE_S)
    assert program.returncode == 0
    return out


def without(environment: dict[str, str], *names: str) -> dict[str, str]:
    return {name: each for name, each in environment.items() if name not in names}


IN_A_FOLDER_THAT_IS_GONE = ("sh", "-c", 'cd "$(mktemp -d)" && rmdir "$PWD" && exec "$@"', "sh")
WITH_CLOSED_STREAMS = ("sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh")
UNDER_NOHUP = ("sh", "-c", 'trap "" HUP INT; exec "$@"', "sh")
# Another user than any in the password database, in a machine of its own processes where nothing
# but the temporary folder can be written to.
ALONE = """
mount -o remount,bind,ro / && mount -t tmpfs none /tmp && cd /tmp &&
exec unshare --map-user=12345 --map-group=12345 "$@"
"""
AS_A_STRANGER = (
    *("unshare", "--map-root-user", "--mount", "--pid", "--fork", "--mount-proc"),
    *("sh", "-c", ALONE, "sh"),
)
STARTS_ASKS_AND_ENDS = """
"$@" --headless & program=$!
tries=0
until "$@" status; do
    tries=$((tries + 1)); [ $tries -gt 100 ] && exit 99
    sleep 0.2
done
kill -TERM $program
wait $program
"""


@pytest.mark.parametrize(
    "wrapper",
    [
        pytest.param(IN_A_FOLDER_THAT_IS_GONE, id="no working folder"),
        pytest.param(WITH_CLOSED_STREAMS, id="no standard streams"),
    ],
)
def test_it_runs_without(environment: dict[str, str], wrapper: tuple[str, ...]) -> None:
    with started(environment, "--headless", wrapper=wrapper) as program:
        assert answered(environment, "doctor", wrapper=IN_A_FOLDER_THAT_IS_GONE).returncode == 0
        ended(program)


def test_it_runs_without_a_home(environment: dict[str, str]) -> None:
    bare = without(environment, "HOME")
    with started(bare, "--headless") as program:
        assert answered(bare, "doctor").returncode == 0
        ended(program)


def test_it_runs_as_a_user_without_entry_home_and_run_folder(environment: dict[str, str]) -> None:
    """The commands do, too; nothing is written outside the temporary folder."""
    bare = without(environment, "HOME", "OMNITRAY_HOME", "USER", "LOGNAME")
    for words in (("doctor",), ("settings", "mode"), ("token",), ("alerts",), ("status",)):
        done = answered(bare, *words, wrapper=AS_A_STRANGER)
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode in {0, 1}, (words, done.stderr)
    assert "/.config/omnitray/config.toml" in answered(bare, "doctor", wrapper=AS_A_STRANGER).stdout
    script = ("sh", "-c", STARTS_ASKS_AND_ENDS, "sh")
    command = (*AS_A_STRANGER, *script, *PROGRAM)
    done = subprocess.run(command, env=bare, capture_output=True, text=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert "CPU" in done.stdout


def test_it_runs_with_a_run_folder_of_a_session_that_is_over(
    environment: dict[str, str], tmp_path: Path
) -> None:
    left_over = {**without(environment, "OMNITRAY_HOME"), "TMPDIR": str(tmp_path)}
    for name in ("CONFIG", "DATA", "STATE"):
        left_over[f"XDG_{name}_HOME"] = str(tmp_path / name)
    left_over["XDG_RUNTIME_DIR"] = str(tmp_path / "gone")
    done = answered(left_over, "doctor")
    assert done.returncode == 0, done.stdout
    assert "run folder" in done.stdout
    assert str(tmp_path / "gone") not in done.stdout


def test_what_nohup_ignores_does_not_end_it(environment: dict[str, str]) -> None:
    with started(environment, "--headless", wrapper=UNDER_NOHUP) as program:
        for number in (signal.SIGHUP, signal.SIGINT):
            program.send_signal(number)
        assert answered(environment).returncode == 0
        assert program.poll() is None
        ended(program)


def test_without_nohup_a_hangup_ends_it(environment: dict[str, str]) -> None:
    with started(environment, "--headless") as program:
        program.send_signal(signal.SIGHUP)
        assert program.wait(PATIENCE_S) == 0


@contextmanager
def refusing(path: Path) -> Iterator[None]:
    """A display that hangs up on everybody."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def hang_up() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        try:
            yield
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def says_that_it_is_headless(output: str) -> None:
    """Why, then how protection is set and what to type next; no line of a log."""
    first, second, *rest = output.splitlines()
    assert first == "OmniTray: the display does not answer, running headless"
    assert second.startswith("OmniTray runs without a window. Protection: off (")
    assert "status. Ctrl+C ends it." in second
    assert rest == []


@pytest.mark.parametrize(
    "displays",
    [
        {"DISPLAY": ":4711"},
        {"DISPLAY": "nonsense"},
        {"WAYLAND_DISPLAY": "wayland-47"},
        {"DISPLAY": ":4711", "WAYLAND_DISPLAY": "wayland-47"},
        {"DISPLAY": ":4711", "QT_QPA_PLATFORM": "no-such-platform"},
    ],
    ids=lambda displays: " ".join(displays.values()),
)
def test_a_display_that_is_dead_is_one_line_and_it_runs_headless(
    environment: dict[str, str], displays: dict[str, str]
) -> None:
    with started({**environment, **displays}) as program:
        says_that_it_is_headless(ended(program))


def test_a_display_that_hangs_up_is_one_line_and_it_runs_headless(
    environment: dict[str, str], tmp_path: Path
) -> None:
    place = tmp_path / "wayland"
    with (
        refusing(place),
        started({**environment, "WAYLAND_DISPLAY": str(place)}) as program,
    ):
        says_that_it_is_headless(ended(program))


@pytest.mark.parametrize(
    "locale",
    [
        {"LC_ALL": "xx_YY.no-such-locale"},
        {"LC_ALL": "C"},
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii"},
    ],
    ids=lambda locale: " ".join(locale.values()),
)
def test_it_runs_without_a_locale(environment: dict[str, str], locale: dict[str, str]) -> None:
    odd = {**environment, **locale}
    with started(odd, "--headless") as program:
        for words in (("status",), ("doctor",), ("jobs",)):
            done = answered(odd, *words)
            assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
        ended(program)


def test_a_terminal_without_columns_cuts_nothing_to_nothing(environment: dict[str, str]) -> None:
    parent, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (0, 0))
    command = (*PROGRAM, "doctor")
    with subprocess.Popen(command, env=environment, stdout=terminal, stderr=terminal) as process:
        os.close(terminal)
        said = b""
        while True:
            try:
                piece = os.read(parent, 4096)
            except OSError:  # the other side is closed
                break
            said += piece
    os.close(parent)
    assert process.returncode == 0
    assert b"OmniTray: 0." in said


def test_without_descriptors_it_says_so_once_goes_on_and_answers_later(
    environment: dict[str, str],
) -> None:
    home = Path(environment["OMNITRAY_HOME"])
    (home / "config/config.toml").write_text('[protect]\nstate = "watch"\n')
    log = home / "state/log/omnitray.log"
    with started(environment, "--headless") as program:
        soft, hard = resource.prlimit(program.pid, resource.RLIMIT_NOFILE)
        used = {int(name) for name in os.listdir(f"/proc/{program.pid}/fd")}  # noqa: PTH208
        lowest_free = next(each for each in itertools.count() if each not in used)
        resource.prlimit(program.pid, resource.RLIMIT_NOFILE, (lowest_free, hard))
        eventually(lambda: "file descriptors are used up" in log.read_text())
        resource.prlimit(program.pid, resource.RLIMIT_NOFILE, (soft, hard))
        eventually(lambda: "there are file descriptors again" in log.read_text())
        eventually(lambda: answered(environment).returncode == 0)
        ended(program)
    said = log.read_text()
    assert said.count("file descriptors are used up") == 1
    assert "Traceback" not in said


def test_without_leave_to_open_files_it_says_so_and_does_not_start(
    environment: dict[str, str],
) -> None:
    limited = ("sh", "-c", 'ulimit -n 24 && exec "$@"', "sh")
    done = answered(environment, "--headless", wrapper=limited)
    said = "OmniTray cannot start: only 24 files may be open at once, it needs 48 (see ulimit -n)"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{said}\n")


def test_a_time_zone_of_days_from_utc_ends_no_command(environment: dict[str, str]) -> None:
    days = {**environment, "TZ": "<+99>-99:59:59"}
    done = answered(days, "alert", "CRITICAL", "x")
    assert done.returncode == 0, done.stderr
    done = answered(days, "alerts")
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
