"""The wheel as people get it, and an environment that holds nothing of ours but it.

What end-to-end tests start is the command in there. Both are kept by the hash of what goes into
the wheel, so that an unchanged tree costs nothing.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import _environment
from _environment import ROOT, VENV, packages_of, python_of, script_of
from _install import install_wheel
from _say import Problem, say


@dataclass(frozen=True)
class Built:
    """A wheel and the command installed from it."""

    wheel: Path
    command: Path


def built() -> Built:
    """The wheel of the tree as it is now, installed."""
    place = VENV / f"wheel-{_environment.digest(*_inputs())[:16]}"
    with _environment.locked():
        if not (place / "done").exists():
            _prune()
            _build(place)
            _install(place)
            (place / "done").touch()
    return Built(_wheel_in(place), script_of(place / "env", "omnitray"))


def _inputs() -> list[Path]:
    files = [ROOT / name for name in ("pyproject.toml", "README.md", "LICENSE")]
    for folder in ("omnitray", "resources"):
        files += (path for path in (ROOT / folder).rglob("*") if _counts(path))
    return sorted(files)


def _counts(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"


def _prune() -> None:
    # Two runs on different trees at once are rare; keep the newest for the one that still runs.
    made = sorted(VENV.glob("wheel-*"), key=lambda path: path.stat().st_mtime)
    for old in made[:-1]:
        shutil.rmtree(old)


def _build(place: Path) -> None:
    say("Building the wheel …")
    shutil.rmtree(place, ignore_errors=True)
    python, target = str(python_of(VENV)), str(place / "dist")
    command = [python, "-m", "hatchling", "build", "-t", "wheel", "-d", target]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Problem(f"The wheel could not be built: {last}", " ".join(command))


def _install(place: Path) -> None:
    env = place / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", env], check=True)
    # A path in a .pth file is searched for libraries, but .pth files in there are not obeyed:
    # the locked libraries are found, the editable project is not.
    (packages_of(env) / "libraries.pth").write_text(f"{packages_of(VENV)}{os.linesep}")
    install_wheel(python_of(VENV), python_of(env), _wheel_in(place))


def _wheel_in(place: Path) -> Path:
    return next((place / "dist").glob("*.whl"))
