"""The light parts of a run's wrapper: the standard library's answers without its cost."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omnitray.runs import light

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
FINITE = SCALARS.filter(lambda each: each not in (float("inf"), float("-inf")))
VALUES = st.recursive(FINITE, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
# What takes long to import, in milliseconds here: json 10, enum 5, pathlib 6, typing 4, argparse 8.
HEAVY = {"json", "re", "enum", "signal", "pathlib", "typing", "argparse", "msgspec", "inspect"}


@settings(max_examples=50)
@given(VALUES)
def test_json_is_written_and_read_as_by_the_standard_library(value: Any) -> None:
    text = light.dumps(value)
    assert text == json.dumps(value, separators=(",", ":"))
    assert light.loads(text.encode()) == value
    assert light.loads(json.dumps(value, ensure_ascii=False, indent=2).encode()) == value


@pytest.mark.parametrize(
    "data", [b"", b" ", b"{", b"[1,]", b"{} {}", b"NaN", b"\xff", b'{"a":Infinity}', b"nul"]
)
def test_what_is_no_json_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - which of its kinds is not said
        light.loads(data)


def test_what_json_cannot_say_is_refused() -> None:
    with pytest.raises(TypeError):
        light.dumps({"path": Path()})
    with pytest.raises(ValueError, match="JSON"):
        light.dumps(float("nan"))


def test_without_the_parts_of_cpython_the_whole_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "_json", None)
    assert light.loads(b' {"a": [1, 2.5, null]} ') == {"a": [1, 2.5, None]}
    assert light.dumps({"a": [1, "ü"]}) == '{"a":[1,"\\u00fc"]}'


def test_damage_is_a_value_error_before_json_was_imported() -> None:
    code = "from omnitray.runs.light import loads; loads(b'{')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "json.decoder.JSONDecodeError" in done.stderr.splitlines()[-1]


def test_signals_are_plain_numbers() -> None:
    assert type(light.signal.SIGTERM) is int
    numbers = {each.name: each.value for each in signal.Signals}
    assert {name: getattr(light.signal, name) for name in numbers} == numbers


def test_the_way_of_a_run_imports_nothing_heavy(tmp_path: Path) -> None:
    """`python -m` and the launchers of pip bring more: what is ours is looked at alone."""
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*sorted(sys.modules)))\n"
        "sys.argv = ['omnitray', 'run', '--', 'true']\n"
        "from omnitray.__main__ import main\n"
        "sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{code}"],
        env={"OMNITRAY_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    modules = set(done.stdout.split())
    assert "omnitray.runs.watch" in modules
    assert modules & HEAVY == set()
