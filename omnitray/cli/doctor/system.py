"""The doctor's look at versions, files, kernel and limits."""

import importlib.metadata
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from omnitray import __version__
from omnitray.api.wire import StatusBody
from omnitray.base.amounts import size
from omnitray.base.invocation import typed
from omnitray.base.paths import Paths, UnsafeFolderError, own_folder, why_not_made
from omnitray.cli.doctor.report import Finding, fail, ok, warn
from omnitray.client.discovery import Address, addresses
from omnitray.client.http import NotAnswering, NotRunning, RequestFailed, find_remote
from omnitray.settings import Fault, load

LITTLE_SPACE_BYTES = 100_000_000
FEW_FILES = 1024
BROKEN_QT = "6.12.0"
OPEN_MODE = 0o077
NO_LIMIT = {"max", ""}


def versions() -> Iterator[Finding]:
    """OmniTray, Python and Qt; Qt is asked for by its package, not imported."""
    python = ".".join(str(part) for part in sys.version_info[:3])
    yield ok("OmniTray", f"{__version__} on Python {python}")
    try:
        qt = importlib.metadata.version("PySide6-Essentials")
    except importlib.metadata.PackageNotFoundError:
        yield fail("Qt", "PySide6-Essentials is not installed", "pip install omnitray")
        return
    if qt == BROKEN_QT and sys.version_info < (3, 12):
        remedy = "pip install 'PySide6-Essentials!=6.12.0'"
        yield fail("Qt", f"PySide6 {qt} crashes on Python before 3.12", remedy)
    else:
        yield ok("Qt", f"PySide6 {qt}")


def instance(paths: Paths) -> Iterator[Finding]:
    """Whether one runs and answers."""
    try:
        remote = find_remote(paths)
        status = remote.get("/status", StatusBody)
    except NotAnswering as error:
        found = f"process {error.pid} runs, but does not answer"
        yield fail("instance", found, f"end it, then run: {typed()}")
    except RequestFailed as error:
        yield fail("instance", f"it runs, but refuses: {error}", f"see {paths.log_file}")
    except NotRunning as error:
        if addresses(paths):
            found = f"a stale api.json is left from one that is gone: {error}"
            yield warn("instance", found, f"run: {typed()}")
        else:
            yield ok("instance", "none runs, or its local API is off")
    else:
        yield from _running(paths, remote.address, status)


def _running(paths: Paths, address: Address, status: StatusBody) -> Iterator[Finding]:
    """That it runs, and what it says is wrong with it; of the file only what the file lacks."""
    yield ok("instance", f"runs as process {address.pid}, answers on {address.url}")
    known = {problem.told() for problem in load(paths.config_file).problems}
    for problem in status.problems:
        if problem not in known:
            later = Fault.LATER.value in problem
            remedy = "end it and start it again" if later else f"see {paths.log_file}"
            yield warn("instance", problem, remedy)


def settings(paths: Paths) -> Iterator[Finding]:
    """What is wrong with the settings file."""
    loaded = load(paths.config_file)
    for problem in loaded.problems:
        yield warn("settings", problem.sentence, f"edit {paths.config_file}")
    if not loaded.problems:
        kind = "read" if paths.config_file.exists() else "defaults, no file"
        yield ok("settings", f"{kind}: {paths.config_file}")


def folders(paths: Paths) -> Iterator[Finding]:
    """The four folders: there, ours alone, writable, with room."""
    for name in ("config", "data", "state", "run"):
        yield _folder(name, getattr(paths, name))


def _folder(name: str, folder: Path) -> Finding:
    topic = f"{name} folder"
    if not folder.is_dir():
        if why := why_not_made(folder):
            return fail(topic, "cannot be made", why)
        return ok(topic, f"{folder} will be made at the first start")
    if name == "run":
        try:
            own_folder(folder)
        except UnsafeFolderError as error:
            return fail(topic, "not safe", f"{error}")
    if not os.access(folder, os.W_OK | os.X_OK):
        return fail(topic, f"{folder} cannot be written", f"chown -R $USER {folder}")
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & OPEN_MODE:
        return warn(topic, f"{folder} is open to others ({mode:04o})", f"chmod 700 {folder}")
    free = shutil.disk_usage(folder).free
    if free < LITTLE_SPACE_BYTES:
        return warn(topic, f"only {size(free)} are free on {folder}", "free some space")
    return ok(topic, f"{folder} ({mode:04o})")


def history(paths: Paths) -> Iterator[Finding]:
    """How many alerts there are, and whether any were damaged."""
    if not paths.alerts.is_dir():
        yield ok("history", "no alerts yet")
        return
    count = sum(1 for _ in paths.alerts.glob("alert_*.json"))
    damaged = sum(1 for _ in paths.quarantine.iterdir()) if paths.quarantine.is_dir() else 0
    if damaged:
        yield warn("history", f"{damaged} damaged files were set aside", f"see {paths.quarantine}")
    yield ok("history", f"{count} alerts in {paths.alerts}")


def pressure(root: Path = Path("/proc")) -> Iterator[Finding]:
    """Pressure stall information of the kernel."""
    file = root / "pressure" / "memory"
    try:
        file.read_bytes()
    except FileNotFoundError:
        remedy = "boot with psi=1 where the kernel has it"
        yield warn("pressure", "the kernel gives no pressure information", remedy)
    except OSError as error:
        yield warn("pressure", f"{file} cannot be read: {error.strerror}", "see the container")
    else:
        yield ok("pressure", "cpu, memory and io")


def syslog(places: tuple[str, ...] = ("/dev/log", "/run/systemd/journal/socket")) -> list[Finding]:
    """Where alerts can be logged to."""
    for place in places:
        if Path(place).exists():
            return [ok("syslog", place)]
    remedy = "start systemd-journald or a syslog daemon"
    return [warn("syslog", "nobody listens", remedy)]


def limits(cgroup: Path = Path("/sys/fs/cgroup")) -> Iterator[Finding]:
    """Open files, and memory where a container has less than the machine."""
    files = _open_files()
    if files is not None and files < FEW_FILES:
        yield warn("limits", f"only {files} files may be open", "raise it: ulimit -n 4096")
    else:
        yield ok("limits", f"{files or 'any number of'} open files")
    try:
        most = (cgroup / "memory.max").read_text().strip()
    except OSError:
        return
    if most not in NO_LIMIT:
        yield ok("limits", f"this container has {size(int(most))} of memory")


def _open_files() -> int | None:
    try:
        import resource  # noqa: PLC0415 - not on every platform
    except ImportError:
        return None
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if soft == resource.RLIM_INFINITY else soft
