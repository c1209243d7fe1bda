import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnitray.base.facts import JobKind
from omnitray.processes.naming import CommandName, UnitKind, name_command, unit_of

TEST, BUILD, AGENT = JobKind.TEST_RUN, JobKind.BUILD, JobKind.AGENT
COMMAND, APP = JobKind.COMMAND, JobKind.APP


@pytest.mark.parametrize(
    ("line", "name", "kind"),
    [
        ("pytest -x", "pytest", TEST),
        ("python3.11 /v/bin/pytest tests", "pytest", TEST),
        ("python -W ignore -m pytest", "pytest", TEST),
        ("python -m unittest", "unittest", TEST),
        ("/usr/bin/cargo test --all", "cargo test", TEST),
        ("cargo build --release", "cargo build", BUILD),
        ("go test ./...", "go test", TEST),
        ("npm test", "npm test", TEST),
        ("node /usr/lib/node_modules/npm/bin/npm-cli.js run test:unit", "npm run test:unit", TEST),
        ("npm run build", "npm run build", BUILD),
        ("npm run dev", "npm run dev", COMMAND),
        ("node /p/node_modules/.bin/jest --runInBand", "jest", TEST),
        ("node /p/node_modules/jest/bin/jest.js", "jest", TEST),
        ("node server.js", "node server.js", COMMAND),
        ("make -j8", "make", BUILD),
        ("make CFLAGS=-O2 check", "make check", TEST),
        ("java -cp x org.gradle.launcher.daemon.bootstrap.GradleDaemon 8", "gradle", BUILD),
        ("java -Xmx1g -jar /opt/app.jar", "java app.jar", COMMAND),
        ("java com.example.Main", "java Main", COMMAND),
        ("python train.py --lr 3", "python train.py", COMMAND),
        ("python -u -m http.server", "python -m http.server", COMMAND),
        ("python -c 'print(1)'", "python -c", COMMAND),
        ("python", "python", COMMAND),
        ("/usr/lib/firefox/firefox -contentproc", "Firefox", APP),
        ("node /usr/bin/claude --resume", "Claude Code", AGENT),
        ("codex", "Codex", AGENT),
        ("docker build .", "docker build", BUILD),
        ("git clone x", "git clone", COMMAND),
        ("vim a.py", "vim", COMMAND),
        ("bash build.sh", "build.sh", COMMAND),
        ("sh /opt/idea/bin/idea.sh", "IntelliJ IDEA", APP),
        ("-bash", "bash", COMMAND),
    ],
)
def test_a_command_is_called_what_a_person_calls_it(line: str, name: str, kind: JobKind) -> None:
    words = shlex.split(line)
    found = name_command(words, words[0].rpartition("/")[2][:15])
    assert (found.name, found.kind) == (name, kind)


@pytest.mark.parametrize(
    "wrapper",
    [
        "sudo",
        "sudo -u bob",
        "env A=1 B=2",
        "timeout -k 5 10m",
        "nice -n 10",
        "ionice -c 2 -n 7",
        "nohup",
        "uv run --frozen",
        "poetry run",
        "taskset 0x3",
        "systemd-run --user --scope -p MemoryMax=1G",
        "time",
        "omnitray run --memory 2G --",
        "sudo nice -5 env -u X",
        "timeout -s TERM 9",
        "timeout --signal KILL --kill-after 5 1h",
        "timeout -sTERM -- 9",
        "nice --adjustment 5",
        "env -u HOME -C /tmp A=1",
        "ionice --class idle",
        "stdbuf -o L -e 0",
        "sudo -u bob -g staff --",
        "time -f %e -o times",
        "xargs -n 1 -P 3 -I {}",
        "bash -c",
        "bash -lc",
    ],
)
def test_what_stands_before_a_command_is_not_its_name(wrapper: str) -> None:
    words = wrapper.split()
    line = ["cargo test --all"] if words[0] == "bash" else ["cargo", "test", "--all"]
    assert name_command([*words, *line], words[0]).name == "cargo test"


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("cd ~/shop && FOO=1 pytest -x 2>&1 | tail", "pytest"),
        ("set -e; export A=1; make -j4", "make"),
        ("source v/bin/activate && exec python train.py", "python train.py"),
        ("(cd x; npm test)", "npm test"),
        ("", "bash"),
        ("cd x", "bash"),
        ('pytest -k "unclosed', "pytest"),
        ("bash", "bash"),
        ("ls; cat x | python agg.py | tail", "python agg.py"),
        ("(time python3 packaging/dev.py check) 2>&1 | tail -40", "python dev.py"),
        ("while sleep 5; do ./poll --now; done", "poll"),
        ("for i in 1 2 3; do make; done", "make"),
        ("if true; then ! pytest; fi 3>&1", "pytest"),
        ("3< file frob 2> out", "frob"),
        ("sleep 100", "sleep"),
        ("omnitray actions | head", "omnitray actions"),
        ("omnitray status; make", "make"),
        ("timeout -s TERM 9 omnitray", "omnitray"),
    ],
)
def test_a_line_for_a_shell_is_called_by_the_command_that_says_most(line: str, name: str) -> None:
    assert name_command(["bash", "-c", line], "bash").name == name


def test_a_process_that_rewrites_its_arguments_is_understood() -> None:
    assert name_command(["npm test"], "npm test").name == "npm test"
    assert name_command(["nginx: worker process"], "nginx").name == "nginx"
    assert name_command([], "kworker").name == "kworker"
    assert name_command(None, "foo) Z").name == "foo) Z"


@pytest.mark.parametrize(
    ("line", "comm", "name"),
    [
        ("bash /dev/fd/3", "bash", "bash"),
        ("python3 /proc/self/fd/3", "python3", "python"),
        ("/dev/fd/3 -x", "tool", "tool"),
        ("tool", "3", "tool"),
        ("", "3", "program"),
    ],
)
def test_a_figure_is_no_name(line: str, comm: str, name: str) -> None:
    assert name_command(line.split(), comm).name == name


@pytest.mark.parametrize(
    "line", ["/v/bin/omnitray", "omnitray-tray", "python /v/bin/omnitray", "python -m omnitray"]
)
def test_we_know_ourselves(line: str) -> None:
    words = line.split()
    assert name_command(words, words[0]) == CommandName("OmniTray", APP)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("/v/bin/python /v/bin/omnitray top", "omnitray top"),
        ("timeout 5 omnitray status --watch", "omnitray status"),
        ("python3 -X dev -m omnitray --verbose doctor", "omnitray doctor"),
        ("omnitray --headless --verbose", "OmniTray"),
        ("python3 -m omnitray --headless", "OmniTray"),
    ],
)
def test_a_command_of_ours_is_not_the_program_that_watches(line: str, name: str) -> None:
    assert name_command(line.split(), "").name == name


def test_a_name_is_never_longer_than_a_line() -> None:
    assert len(name_command(["python", "x" * 500], "python").name) == 60


@given(st.lists(st.text(max_size=12), max_size=6), st.text(max_size=15))
def test_any_arguments_have_a_name(arguments: list[str], comm: str) -> None:
    name_command(arguments, comm)
    name_command(["bash", "-c", " ".join(arguments)], comm)


WORDS = st.sampled_from(
    (
        "sudo",
        "env",
        "A=1",
        "-c",
        "bash",
        "--",
        "uv",
        "run",
        "5",
        "python",
        "-m",
        "nice",
        "java",
        ";",
    )
)


@given(st.lists(WORDS, max_size=8))
def test_wrappers_in_any_order_come_to_an_end(arguments: list[str]) -> None:
    name_command(arguments, "x")


USER = "/user.slice/user-1000.slice/user@1000.service"


@pytest.mark.parametrize(
    ("path", "kind", "name"),
    [
        (f"{USER}/app.slice/app-gnome-firefox-1234.scope", UnitKind.APP, "firefox"),
        (f"{USER}/app.slice/app-flatpak-org.gimp.GIMP-12.scope", UnitKind.APP, "org.gimp.GIMP"),
        (f"{USER}/app.slice/app-firefox@a1b2.service", UnitKind.APP, "firefox"),
        (f"{USER}/app.slice/app-org.kde.konsole-7.scope", UnitKind.TERMINAL, "org.kde.konsole"),
        (
            f"{USER}/app.slice/app-gnome-sublime\\x2dtext-7.scope/sub",
            UnitKind.APP,
            "sublime-text",
        ),
        (
            f"{USER}/app.slice/snap.code.code-0a1b2c3d-0000-0000-0000-000000000000.scope",
            UnitKind.APP,
            "code",
        ),
        (f"{USER}/session.slice/pipewire.service", UnitKind.SERVICE, "pipewire"),
        ("/system.slice/ssh.service", UnitKind.SYSTEM, "ssh"),
        ("/system.slice/system-getty.slice/getty@tty1.service", UnitKind.SYSTEM, "getty"),
        ("/system.slice/docker-0123456789abcdef.scope", UnitKind.SERVICE, ""),
        ("/user.slice/user-1000.slice/session-2.scope", UnitKind.MIXED, ""),
        (f"{USER}/app.slice/vte-spawn-1-2-3.scope", UnitKind.MIXED, ""),
        (f"{USER}/app.slice/run-r0a1.scope", UnitKind.MIXED, ""),
        (f"{USER}/app.slice/omnitray-job-1.scope", UnitKind.MIXED, ""),
        (f"{USER}/init.scope", UnitKind.MIXED, ""),
        (USER, UnitKind.MIXED, ""),
        ("/", UnitKind.MIXED, ""),
        (None, UnitKind.MIXED, ""),
        ("/docker/abc", UnitKind.MIXED, ""),
    ],
)
def test_a_path_says_who_is_in_it(path: str | None, kind: UnitKind, name: str) -> None:
    unit = unit_of(path)
    assert (unit.kind, unit.name) == (kind, name)


@given(st.text(max_size=60))
def test_any_path_is_survived(path: str) -> None:
    assert unit_of(path).name.isprintable() or not path.isprintable()
