"""A desktop session of its own: buses, folders, environment, and what was started in it.

Unlike the desktops of the ordinary tests, services are started on demand here (portals, settings,
icons), as a real session does. Everything lies below one folder and is ended by :meth:`stop`.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from support.desktop import Display, Program

_LEAVE = ("DISPLAY", "WAYLAND_DISPLAY", "XDG_SESSION_ID", "XDG_SEAT", "OMNITRAY_HOME")
_NOBODY = 65534  # sway refuses to be root


class Session:
    """``stop`` ends everything; ``as_nobody`` runs it all without root's rights."""

    def __init__(self, folder: Path, name: str, *, as_nobody: bool = False) -> None:
        self.folder = folder
        self.name = name
        self._as_nobody = as_nobody and hasattr(os, "getuid") and os.getuid() == 0
        self._programs: list[Program] = []
        self._display: Display | None = None
        home, run = folder / "home", folder / "run"
        for each in (home / ".config", home / ".cache", home / ".local" / "share", run):
            each.mkdir(parents=True)
        run.chmod(0o700)
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in _LEAVE},
            "HOME": str(home),
            "XDG_RUNTIME_DIR": str(run),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "XDG_CACHE_HOME": str(home / ".cache"),
            "XDG_DATA_HOME": str(home / ".local" / "share"),
            "XDG_STATE_HOME": str(home / ".local" / "state"),
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={folder}/bus",
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "NO_AT_BRIDGE": "1",
            "TZ": "UTC",
        }

    def hand_over(self) -> None:
        """Give the folders to the user that the session runs as."""
        if not self._as_nobody:
            return
        for place in (self.folder, *self.folder.rglob("*")):
            os.chown(place, _NOBODY, _NOBODY, follow_symlinks=False)

    def start_buses(self, *, logind: bool = False) -> None:
        """The session bus; with ``logind`` a private system bus with a stand-in on it."""
        self.hand_over()
        address = self.environment["DBUS_SESSION_BUS_ADDRESS"]
        self.start("dbus-daemon", "--session", f"--address={address}", "--nofork", "--nopidfile")
        self.wait((self.folder / "bus").exists, "the session bus")
        if not logind:
            return
        system = f"unix:path={self.folder}/system-bus"
        self.start("dbus-daemon", "--session", f"--address={system}", "--nofork", "--nopidfile")
        self.environment["DBUS_SYSTEM_BUS_ADDRESS"] = system
        self.wait((self.folder / "system-bus").exists, "the system bus")
        self.start("/usr/bin/python3", "-m", "dbusmock", "--system", "--template", "logind")
        time.sleep(1)

    def start_display(self, size: tuple[int, int] = (1280, 800)) -> None:
        """An X server without a screen."""
        self._display = Display(self.folder, size=size)
        self.environment["DISPLAY"] = self._display.name

    def start(self, *command: str, **extra: str) -> Program:
        """Start a program of the session; its output is in a file named after it."""
        number = len(self._programs)
        log = self.folder / f"{number:02}-{Path(command[0]).name}.log"
        program = Program(self._words(command), {**self.environment, **extra}, log)
        self._programs.append(program)
        return program

    def run(self, *command: str, limit_s: float = 20.0) -> subprocess.CompletedProcess[str]:
        """Run a command within the session to its end."""
        try:
            return subprocess.run(
                self._words(command),
                env=self.environment,
                capture_output=True,
                text=True,
                timeout=limit_s,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired as over:
            return subprocess.CompletedProcess(over.cmd, 124, "", f"not within {limit_s:g} s")

    @staticmethod
    def wait(condition: Callable[[], object], what: str, limit_s: float = 20.0) -> None:
        """Until it is so; raises TimeoutError."""
        deadline = time.monotonic() + limit_s
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not within {limit_s:g} s: {what}")
            time.sleep(0.1)

    def owns(self, name: str) -> bool:
        """Whether somebody has this name on the session bus."""
        asked = self.dbus("org.freedesktop.DBus", "/", "org.freedesktop.DBus.NameHasOwner", name)
        return "true" in asked

    def dbus(self, service: str, path: str, method: str, *words: str) -> str:
        """Call a method on the session bus; what it says, empty where it fails."""
        where = ["--session", "-d", service, "-o", path, "-m", method]
        return self.run("gdbus", "call", *where, *words).stdout.strip()

    def write(self, name: str, text: str) -> None:
        """A file below the configuration folder."""
        file = Path(self.environment["XDG_CONFIG_HOME"]) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def offer(self, name: str, command: Sequence[str]) -> None:
        """Let the bus, which is not there yet, start this one for the name and no other."""
        folder = Path(self.environment["XDG_DATA_HOME"]) / "dbus-1" / "services"
        folder.mkdir(parents=True)
        text = f"[D-BUS Service]\nName={name}\nExec={' '.join(command)}\n"
        (folder / f"{name}.service").write_text(text)

    def stop(self) -> None:
        """End everything, the last one first."""
        for program in reversed(self._programs):
            with contextlib.suppress(ProcessLookupError):
                program.stop()
        self._end_strangers()
        # The portal of documents mounts a folder, which stays without it and cannot be deleted.
        subprocess.run(
            ["umount", "--lazy", f"{self.environment['XDG_RUNTIME_DIR']}/doc"],
            capture_output=True,
            check=False,
        )
        if self._display is not None:
            self._display.stop()

    def _end_strangers(self) -> None:
        """What the bus or a shell has started and left; told by the folder in its environment."""
        mark = f"XDG_RUNTIME_DIR={self.environment['XDG_RUNTIME_DIR']}".encode()
        for place in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (place / "environ").read_bytes().split(b"\0"):
                    os.kill(int(place.name), signal.SIGKILL)

    def _words(self, command: Sequence[str]) -> list[str]:
        if not self._as_nobody:
            return list(command)
        who = [f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"]
        return [shutil.which("setpriv") or "setpriv", *who, *command]


def missing(programs: Sequence[str], environment: Mapping[str, str] = os.environ) -> list[str]:
    """Which of these programs are not installed."""
    path = environment.get("PATH", "")
    return [each for each in programs if not (shutil.which(each, path=path) or Path(each).exists())]
