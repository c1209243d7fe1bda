"""``packaging/dev.py``: what it says when it cannot, and that it knows a broken environment."""

import ast
import errno
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import venv
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import _environment
import _install
import _machine
import _rivals
import _say
import _tasks
import _vscode
import _wheel
import dev

ROOT = Path(__file__).resolve().parents[1]
PACKAGING = ROOT / "packaging"


def test_an_old_python_can_still_read_it() -> None:
    ast.parse((PACKAGING / "dev.py").read_text(), feature_version=(3, 6))


def test_an_old_python_is_told_what_to_type(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 18))
    monkeypatch.setattr(sys, "argv", ["packaging/dev.py", "run"])
    monkeypatch.setattr(shutil, "which", {"python3.12": "/usr/bin/python3.12"}.get)
    assert dev.main() == 1
    said = capsys.readouterr().err
    assert "needs Python 3.11 or newer; this is 3.9.18." in said
    assert "Try: python3.12 packaging/dev.py run" in said


def test_without_a_newer_python_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert dev.advice() == "sudo apt-get install -y python3.11 python3.11-venv"


def run_without_network(tree: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": ""}
    environment["PIP_EXTRA_INDEX_URL"] = ""
    return subprocess.run(
        [sys.executable, "packaging/dev.py", "check"],
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_network_one_sentence_and_no_whole_environment(tmp_path: Path) -> None:
    shutil.copytree(
        PACKAGING, tmp_path / "packaging", ignore=shutil.ignore_patterns("node_modules")
    )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    done = run_without_network(tmp_path)
    assert done.returncode == 1
    assert "could not be downloaded: no network" in done.stderr
    assert "Traceback" not in done.stderr
    half_made = tmp_path / ".venv"
    assert half_made.exists()
    assert "venv" in lacks(half_made)


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A whole environment, as small as one can be."""
    place = tmp_path / ".venv"
    venv.create(place, symlinks=True)
    (_environment.packages_of(place) / "psutil").mkdir(parents=True)
    _environment._write_stamp(place, {"run": "abc"})
    return place


def lacks(place: Path, **wanted: str) -> set[str]:
    return _environment._lacks(place, {"run": "abc", **wanted})


def test_a_whole_environment_lacks_nothing(whole: Path) -> None:
    assert lacks(whole) == set()


def test_changed_lock_files_are_installed_into_it(whole: Path) -> None:
    assert lacks(whole, run="abd", project="def") == {"run", "project"}


def test_a_library_gone_makes_it_anew(whole: Path) -> None:
    (_environment.packages_of(whole) / "psutil").rmdir()
    assert "venv" in lacks(whole)


def test_an_interpreter_that_does_not_run_makes_it_anew(whole: Path) -> None:
    python = _environment.python_of(whole)
    python.unlink()
    python.symlink_to("/nowhere/python3.11")
    assert "venv" in lacks(whole)


def test_a_moved_environment_is_made_anew(whole: Path) -> None:
    moved = whole.with_name("moved")
    whole.rename(moved)
    assert "venv" in lacks(moved)


def test_an_environment_is_made_anew_while_this_runs_on_its_python(
    whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = vars(sys)["_base_executable"]
    monkeypatch.setattr(sys, "executable", str(_environment.python_of(whole)))
    assert _environment.base_python(whole) == base
    monkeypatch.setattr(sys, "_base_executable", str(_environment.python_of(whole)), raising=False)
    with pytest.raises(_say.Problem, match=r"has to be made anew"):
        _environment._make_anew(whole)
    assert _environment.python_of(whole).exists()


@pytest.mark.parametrize(("number", "advice"), [(errno.ENOSPC, "df -h"), (errno.ENOENT, "rm -r")])
def test_the_disk_is_named_only_where_it_is_full(tmp_path: Path, number: int, advice: str) -> None:
    with (
        pytest.raises(_say.Problem) as caught,
        _environment._said_plainly(tmp_path / ".venv"),
    ):
        raise OSError(number, os.strerror(number), "/some/file")
    assert caught.value.command.startswith(advice)
    assert "/some/file" in caught.value.sentence


@pytest.mark.parametrize("content", ["", "{", "[]", '{"run": "abc"}'])
def test_a_damaged_stamp_makes_it_anew(whole: Path, content: str) -> None:
    (whole / "omnitray.json").write_text(content)
    assert "venv" in lacks(whole)


def test_a_second_set_up_waits_for_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting, done = threading.Event(), threading.Event()
    monkeypatch.setattr(_environment, "say", lambda _: waiting.set())

    def second() -> None:
        with _environment.locked():
            done.set()

    thread = threading.Thread(target=second)
    with _environment.locked():
        thread.start()
        assert waiting.wait(10)
        assert not done.is_set()
    thread.join(10)
    assert done.is_set()


def need(kind: _machine.Kind, name: str) -> _machine.Need:
    return _machine.Need(kind, name, "a-package")


def test_what_is_here_is_not_missing() -> None:
    here = [
        need(_machine.Kind.COMMAND, "sh"),
        need(_machine.Kind.LIBRARY, "libc.so.6"),
        need(_machine.Kind.MODULE, "venv"),
        need(_machine.Kind.FILE, "/etc/pass*"),
    ]
    assert _machine.missing(here) == []


@pytest.mark.parametrize("kind", _machine.Kind)
def test_what_may_not_be_installed_is_named_with_the_command(
    kind: _machine.Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_machine, "_rights", lambda: None)
    with pytest.raises(_say.Problem) as caught:
        _machine.ensure([need(kind, "not_to_be_found_anywhere")])
    assert caught.value.sentence == "The system lacks not_to_be_found_anywhere."
    assert "install -y" in caught.value.command


def test_what_is_missing_is_installed_where_that_may_be_done(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wanted = tmp_path / "wanted"
    asked: list[list[str]] = []

    def install(_: list[str], packages: list[str]) -> None:
        asked.append(packages)
        wanted.touch()

    monkeypatch.setattr(_machine, "_rights", list)
    monkeypatch.setattr(_machine, "_install", install)
    _machine.ensure([need(_machine.Kind.FILE, str(wanted))])
    assert asked == [["a-package"]]


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("ERROR: No matching distribution found for psutil==7", "no network"),
        ("Failed to establish: Temporary failure in name resolution", "no network"),
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("PermissionError: [Errno 13] Permission denied: 'x'", "may not be written"),
        ("Looking\nERROR: THESE PACKAGES DO NOT MATCH THE HASHES\nmore", "DO NOT MATCH"),
        ("", "no reason given"),
    ],
)
def test_what_pip_complains_of_becomes_a_sentence(output: str, said: str) -> None:
    assert said in _install._problem(output, "pip install").sentence


def test_every_library_that_pip_begins_with_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [
        "Collecting anyio==4.16.0 (from -r run.txt (line 1))",
        "Processing /wheels/h11-0.16.0-py3-none-any.whl (from -r run.txt (line 10))",
        "Requirement already satisfied: idna==3.20 in here",
        "  Downloading pyside6_essentials-6.11.3-cp310-abi3.whl (80.3 MB)",
        "WARNING: something",
    ]
    seen = 0
    for line in lines:
        seen += _install._show(line, seen, 22)
    assert seen == 3
    assert capsys.readouterr().err.splitlines() == [
        "   1/22 anyio 4.16.0",
        "   2/22 h11 0.16.0",
        "        80.3 MB to download",
    ]


def test_a_folder_that_may_not_be_written_is_said() -> None:
    with pytest.raises(_say.Problem, match="may not be written by you"):  # noqa: SIM117 - one statement
        with _environment._said_plainly(Path(".venv")):
            raise PermissionError(13, "Permission denied", "x")


@pytest.mark.parametrize(
    ("check", "tests", "status"), [("0", "0", 0), ("1", "0", 1), ("0", "5", 5), ("1", "2", 2)]
)
def test_a_check_beside_the_tests_fails_the_run_and_is_printed(
    check: str, tests: str, status: int
) -> None:
    code = "import sys, _tasks; sys.exit(_tasks.beside(*[['sh', '-c', x] for x in sys.argv[1:]]))"
    words = [sys.executable, "-c", code, f"echo checked; exit {check}", f"exit {tests}"]
    done = subprocess.run(words, cwd=PACKAGING, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (status, "checked\n" * (check != "0"))


def test_who_ends_the_run_ends_the_tests_and_the_check() -> None:
    code = "import _tasks; _tasks.beside(['sleep', '60'], ['sh', '-c', 'echo on; exec sleep 60'])"
    words = [sys.executable, "-c", code]
    with subprocess.Popen(words, cwd=PACKAGING, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "on\n"
        run.terminate()
        run.wait(30)


def shown_on_the_pages() -> set[str]:
    """Every line of README, CONTRIBUTING and docs that begins with ``packaging/dev.py``."""
    pages = (
        ROOT / "README.md",
        ROOT / ".github" / "CONTRIBUTING.md",
        *(ROOT / "docs").glob("*.md"),
    )
    found = re.compile(r"^ *python3 packaging/dev\.py (.*?)(?:\s+#.*)?$", re.MULTILINE)
    return {words for page in pages for words in found.findall(page.read_text())}


@pytest.mark.parametrize("words", sorted(shown_on_the_pages()))
def test_what_the_pages_say_to_type_is_handed_over(
    words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each ends in a program that is there, with words that it takes; nothing is run."""
    handed: list[list[Any]] = []

    def hand_over(*commands: Any, **_: Any) -> int:
        words = commands or ([],)  # a call without words counts as well
        handed.extend(each if isinstance(each, list) else [each] for each in words)
        return 0

    for module, name, instead in (
        (_machine, "ensure", lambda _: None),
        (_environment, "ensure", lambda *_, **__: Path(sys.executable)),
        (_rivals, "offer", lambda: None),
        (_wheel, "built", lambda: SimpleNamespace(wheel="wheel", command="command")),
        (_vscode, "node", lambda: Path("node")),
        (_tasks, "_install_what_is_tested", lambda: None),
        (_tasks, "_hand_over", hand_over),
        (_tasks, "beside", hand_over),
        (subprocess, "call", hand_over),
        *((_vscode, each, hand_over) for each in ("check", "package", "test", "test_in_editor")),
    ):
        monkeypatch.setattr(module, name, instead)
    for name in (
        "OMNITRAY_UNDER_TEST",
        "OMNITRAY_WHEEL",
        "OMNITRAY_GLANCES",
        "OMNITRAY_NODE",
    ):
        monkeypatch.setenv(name, "")
    assert _tasks.main(shlex.split(words)) == 0
    assert handed
    for command in handed:
        for word in map(str, command[1:]):
            assert not word.endswith(".py") or Path(word).exists()
            assert not word.startswith("tests/") or (ROOT / word).exists()
            assert word not in ("--fast", "--systemd", "--desktops", "--room", "--vscode")
