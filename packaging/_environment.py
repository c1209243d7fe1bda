"""The folder ``.venv``: made from locked files, recognised when it is whole, made anew when not.

A stamp in it says what was installed; while an installation runs the stamp is away, so that a
half-made folder is never taken for a whole one. One set-up at a time: the others wait.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import _machine
from _install import install_locked, install_project
from _say import Problem, say

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCKS = ROOT / "packaging" / "requirements"
Stamp = dict[str, Any]


def python_of(venv: Path) -> Path:
    """The interpreter of a virtual environment."""
    return script_of(venv, "python")


def script_of(venv: Path, name: str) -> Path:
    """A command of a virtual environment."""
    scripts = sysconfig.get_path("scripts", "venv", {"base": str(venv)})
    return Path(scripts) / (name + (sysconfig.get_config_var("EXE") or ""))


def ensure(kind: str, venv: Path = VENV, *, project: bool = True) -> Path:
    """The interpreter of a whole environment of ``kind`` (run, dev, bench)."""
    wanted = _wanted(kind, project=project)
    if not _lacks(venv, wanted):
        return python_of(venv)
    _machine.ensure(_machine.VENV)
    with locked():
        if lacks := _lacks(venv, wanted):
            _make(venv, kind, wanted, lacks)
    return python_of(venv)


def digest(*paths: Path) -> str:
    """One hash over names and contents of files."""
    total = hashlib.sha256()
    for path in paths:
        total.update(f"{path.relative_to(ROOT)}\0".encode())
        total.update(path.read_bytes())
    return total.hexdigest()


@contextlib.contextmanager
def locked() -> Iterator[None]:
    """Hold the repository against a second set-up; the kernel lets go when we end."""
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another set-up is running here; waiting for it …")
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _wanted(kind: str, *, project: bool) -> Stamp:
    lock = LOCKS / f"{kind}.txt"
    wanted: Stamp = {kind: digest(lock)}
    if project:
        wanted["project"] = digest(ROOT / "pyproject.toml")
    return wanted


def _lacks(venv: Path, wanted: Stamp) -> set[str]:
    """What has to be installed; ``{"venv"}`` and more where it must be made anew."""
    stamp = _read_stamp(venv)
    everything = {"venv", *wanted}
    if stamp is None or stamp.get("place") != str(venv):
        return everything
    if stamp.get("python") != _version(venv) or not _is_complete(venv, stamp):
        return everything
    return {key for key, value in wanted.items() if stamp.get(key) != value}


def _read_stamp(venv: Path) -> Stamp | None:
    try:
        stamp = json.loads((venv / "omnitray.json").read_text())
    except (OSError, ValueError):
        return None
    return stamp if isinstance(stamp, dict) else None


def _version(venv: Path) -> str | None:
    """What the environment's interpreter says it is; None where it does not run."""
    show = "import platform; print(platform.python_version())"
    try:
        command = [str(python_of(venv)), "-I", "-S", "-c", show]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None


def _is_complete(venv: Path, stamp: Stamp) -> bool:
    try:
        return set(stamp.get("entries", ())) <= _entries(venv)
    except OSError:
        return False


def _entries(venv: Path) -> set[str]:
    return {path.name for path in packages_of(venv).iterdir()}


def packages_of(venv: Path) -> Path:
    """Where its libraries are."""
    return Path(sysconfig.get_path("purelib", "venv", {"base": str(venv)}))


def _make(venv: Path, kind: str, wanted: Stamp, lacks: set[str]) -> None:
    old = {} if "venv" in lacks else _read_stamp(venv) or {}
    with _said_plainly(venv):
        if lacks != {"project"}:  # that one alone cannot leave a half-made environment
            (venv / "omnitray.json").unlink(missing_ok=True)
        if "venv" in lacks:
            _make_anew(venv)
        if kind in lacks:
            install_locked(python_of(venv), LOCKS / f"{kind}.txt")
        if "project" in lacks:
            install_project(python_of(venv), ROOT)
        _write_stamp(venv, {**old, **wanted})


def base_python(venv: Path) -> str:
    """The interpreter that makes environments: not one of the environment that is made anew.

    With ``.venv/bin`` first in PATH this program runs on what it is about to delete.
    """
    base = getattr(sys, "_base_executable", None) or sys.executable
    if not Path(base).is_file() or Path(base).is_relative_to(venv):
        raise Problem(
            f"This Python belongs to {venv}, which has to be made anew.",
            "deactivate; or begin with another one: /usr/bin/python3 packaging/dev.py",
        )
    return base


def _make_anew(venv: Path) -> None:
    python = base_python(venv)
    if venv.exists():
        say(f"{venv.name} is not whole or not ours; making it anew.")
        shutil.rmtree(venv)
    say(f"Making {venv.name} with Python {sys.version.split()[0]} …")
    done = subprocess.run([python, "-m", "venv", venv], capture_output=True, text=True, check=False)
    if done.returncode:
        detail = (done.stderr or done.stdout).strip().splitlines()
        raise Problem(
            f"The virtual environment could not be made: {detail[-1] if detail else 'no reason'}",
            f"{python} -m venv {venv}",
        )


def _write_stamp(venv: Path, stamp: Stamp) -> None:
    stamp["place"] = str(venv)
    stamp["python"] = _version(venv)
    stamp["entries"] = sorted(_entries(venv))
    new = venv / "omnitray.json.new"
    new.write_text(json.dumps(stamp))
    new.replace(venv / "omnitray.json")


@contextlib.contextmanager
def _said_plainly(venv: Path) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise Problem(
            f"{error.filename or venv} may not be written by you.",
            f"sudo chown -R $(id -un) {ROOT}",
        ) from error
    except OSError as error:
        what = f": {error.filename}" if error.filename else ""
        is_full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        raise Problem(
            f"Setting up {venv.name} failed: {error.strerror or error}{what}.",
            f"df -h {ROOT}" if is_full else f"rm -r {venv}, then say the same again",
        ) from error
