"""``omnitray doctor``: what works here and what does not, one line each, with the remedy.

Runs in its own process and needs neither Qt nor a running instance. Each check looks at one thing
and returns findings; a check that fails itself is a finding too. Last come the protector's own
actuators: each is tried on a child of our own.
"""

import enum
import importlib.metadata
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from omnitray import __version__, platforms
from omnitray.alerts.channels.deliveries import ChannelState, dropped, standing
from omnitray.api.channel_calls import ChannelBody, ChannelsBody, WebhookBody, WebhooksBody
from omnitray.api.wire import Servers, StatusBody
from omnitray.base.amounts import count, size
from omnitray.base.dbus import BusError, BusObject, BusReply, SessionBus, connect
from omnitray.base.facts import AlertChannel
from omnitray.base.keyring import why_not
from omnitray.base.paths import Paths, UnsafeFolderError, own_folder, typed, why_not_made
from omnitray.base.policy import ModeLimits
from omnitray.cli.commands.preferences import settings_problems
from omnitray.cli.commands.servers import exit_text
from omnitray.client.discovery import Address, addresses
from omnitray.client.http import NotAnswering, NotRunning, RequestFailed, find_remote
from omnitray.protector.actuators.self_test import ActuatorRow
from omnitray.protector.oom_events.daemons import other_oom_daemons
from omnitray.protector.oom_events.watch import Source
from omnitray.servers.model import TROUBLED, ServerState
from omnitray.settings.faults import Fault
from omnitray.settings.file import load

ANSWER_S = 1.5
WATCHER = ("org.kde.StatusNotifierWatcher", "/StatusNotifierWatcher")
PROPERTIES = "org.freedesktop.DBus.Properties"
NOTIFICATIONS = ("org.freedesktop.Notifications", "/org/freedesktop/Notifications")
WANTED = {
    "actions": "no buttons on notifications",
    "body": "notifications show titles only",
}
_HOSTED = "IsStatusNotifierHostRegistered"
LITTLE_SPACE_BYTES = 100_000_000
FEW_FILES = 1024
BROKEN_QT = "6.12.0"
OPEN_MODE = 0o077
NO_LIMIT = {"max", ""}
# Desktop, log and history have checks of their own, which need no running instance.
_CHANNEL_REMEDIES: dict[str, str] = {
    AlertChannel.DESKTOP: "see the findings on notifications",
    AlertChannel.FILE: "see the findings on the data folder",
    AlertChannel.WEBHOOK: "see the findings on each webhook",
    AlertChannel.SYSLOG: "start systemd-journald or a syslog daemon, then OmniTray again",
}


class FindingVerdict(enum.StrEnum):
    """The result of one check."""

    OK = "ok"
    WARN = "warn"  # works with less
    FAIL = "fail"  # does not work


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One line: what was looked at, what was found, and what helps."""

    topic: str
    verdict: FindingVerdict
    found: str
    remedy: str = ""

    @property
    def sentence(self) -> str:
        """Topic, result and remedy in one line."""
        return f"{self.topic}: {self.found}" + (f"; {self.remedy}" if self.remedy else "")


def ok(topic: str, found: str) -> Finding:
    """A finding that needs no remedy."""
    return Finding(topic=topic, verdict=FindingVerdict.OK, found=found)


def warn(topic: str, found: str, remedy: str) -> Finding:
    """A finding of something that works in part."""
    return Finding(topic=topic, verdict=FindingVerdict.WARN, found=found, remedy=remedy)


def fail(topic: str, found: str, remedy: str) -> Finding:
    """A finding of something that does not work."""
    return Finding(topic=topic, verdict=FindingVerdict.FAIL, found=found, remedy=remedy)


def display(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Whether there is a screen, and of which kind."""
    wayland, x11 = environ.get("WAYLAND_DISPLAY"), environ.get("DISPLAY")
    if wayland:
        yield ok("display", f"Wayland {wayland}, X11 {x11}" if x11 else f"Wayland {wayland}")
    elif x11:
        yield ok("display", f"X11 {x11}")
    else:
        yield warn("display", "no screen; OmniTray runs headless", "log in to a desktop")


def session(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Tray and notifications on the session bus."""
    try:
        bus = connect()
    except (BusError, ImportError) as error:
        yield warn("session bus", f"{error}", "no notifications; start a desktop session")
        return
    try:
        yield tray(bus, environ)
        yield from notifications(bus)
    finally:
        bus.close()


def tray(bus: SessionBus, environ: Mapping[str, str]) -> Finding:
    """The tray host: StatusNotifier, XEmbed, or none."""
    answer = ask(bus, *WATCHER, PROPERTIES, "Get", "ss", (WATCHER[0], _HOSTED))
    found = _first(answer, tuple[str, bool])
    if found is not None:
        if found[1]:
            return ok("tray", "StatusNotifier host")
        return warn("tray", "a StatusNotifier watcher without a host", "enable the panel's tray")
    owner = _xembed_owner(environ.get("DISPLAY"))
    if owner:
        return ok("tray", "XEmbed host (tooltips, no StatusNotifier menu)")
    remedy = "add a tray to the panel (GNOME: the AppIndicator extension)"
    return warn("tray", "nobody shows tray icons; the window opens instead", remedy)


def notifications(bus: SessionBus) -> Iterator[Finding]:
    """The notification daemon: its name and what it can do."""
    told = ask(bus, *NOTIFICATIONS, NOTIFICATIONS[0], "GetServerInformation")
    if told is None or told.error is not None:
        why = "does not answer" if told is None else told.explanation
        yield warn("notifications", f"no daemon: {why}", "install dunst or a desktop's own")
        return
    name, vendor, version = (*(str(part) for part in told.body[:3]), "?", "?", "?")[:3]
    asked = ask(bus, *NOTIFICATIONS, NOTIFICATIONS[0], "GetCapabilities")
    able = _first(asked, list[str]) or []
    yield ok("notifications", f"{name} {version} ({vendor}): {', '.join(sorted(able))}")
    for capability, missing in WANTED.items():
        if capability not in able:
            yield warn("notifications", missing, f"a daemon with '{capability}' shows more")


def ask(
    bus: SessionBus,
    destination: str,
    path: str,
    interface: str,
    member: str,
    signature: str | None = None,
    body: tuple[Any, ...] = (),
) -> BusReply | None:
    """Call and wait for the answer; None when none comes in time."""
    try:
        return bus.ask(BusObject(destination, path, interface), member, signature, body, ANSWER_S)
    except BusError:
        return None


def _first(answer: BusReply | None, kind: Any) -> Any:
    """The answer's first value; None where there is none of that type."""
    try:
        return None if answer is None else answer.holding(kind)[0]
    except BusError:
        return None


def _xembed_owner(screen: str | None) -> int:
    """The window that holds the X11 tray selection (System Tray Protocol 0.3); 0 for none."""
    import ctypes.util  # noqa: PLC0415 - only where there is no StatusNotifier

    library = ctypes.util.find_library("X11") if screen else None
    if library is None or screen is None:
        return 0
    x11 = ctypes.CDLL(library)
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XInternAtom.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int)
    x11.XInternAtom.restype = ctypes.c_ulong
    x11.XGetSelectionOwner.argtypes = (ctypes.c_void_p, ctypes.c_ulong)
    x11.XGetSelectionOwner.restype = ctypes.c_ulong
    x11.XCloseDisplay.argtypes = (ctypes.c_void_p,)
    opened = x11.XOpenDisplay(screen.encode())
    if not opened:
        return 0
    try:
        atom = x11.XInternAtom(opened, b"_NET_SYSTEM_TRAY_S0", 0)
        return int(x11.XGetSelectionOwner(opened, atom))
    finally:
        x11.XCloseDisplay(opened)


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
    """Whether an instance runs and answers."""
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
    """That it runs, and its problems but for those of the settings file."""
    yield ok("instance", f"runs as process {address.pid}, answers on {address.url}")
    for problem in status.problems:
        if problem not in status.settings_problems:
            yield warn("instance", problem, f"see {paths.log_file}")


def settings(paths: Paths) -> Iterator[Finding]:
    """What is wrong with the settings: of a running instance what it says, else of the file."""
    problems = settings_problems(paths)
    for problem in problems:
        later = Fault.LATER.value in problem
        lost = Fault.GONE.value in problem or Fault.EMPTY.value in problem
        remedy = "end OmniTray and start it again" if later else f"edit {paths.config_file}"
        if lost:
            remedy = "put it back, or change a setting in OmniTray: that writes what is in force"
        yield warn("settings", problem.removeprefix(f"{paths.config_file.name}, "), remedy)
    if not problems:
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
    alerts = sum(1 for _ in paths.alerts.glob("alert_*.json"))
    damaged = sum(1 for _ in paths.quarantine.iterdir()) if paths.quarantine.is_dir() else 0
    if damaged:
        found = f"{count(damaged, 'damaged file was', 'damaged files were')} set aside"
        yield warn("history", found, f"see {paths.quarantine}")
    yield ok("history", f"{count(alerts, 'alert')} in {paths.alerts}")


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


def channels(paths: Paths) -> Iterator[Finding]:
    """One line a channel, while an instance runs."""
    try:
        body = find_remote(paths).get("/channels", ChannelsBody)
        receivers = find_remote(paths).get("/webhooks", WebhooksBody)
    except (NotRunning, RequestFailed):
        return  # the instance has a finding of its own
    for each in body.channels:
        yield _channel(each)
    for webhook in receivers.webhooks:
        yield _webhook(webhook)


def servers(paths: Paths) -> Iterator[Finding]:
    """One line a watched server, while an instance runs."""
    try:
        body = find_remote(paths).get("/servers", Servers)
    except (NotRunning, RequestFailed):
        return  # as above
    for each in body.servers:
        topic, state = f"server {each.name}", each.state.words
        if each.state in TROUBLED or each.state is ServerState.SLOW or each.given_up:
            why = each.detail or exit_text(each)
            remedy = f"see why: {typed('server', 'log', each.name)}"
            yield warn(topic, f"{state}: {why}" if why else state, remedy)
        else:
            yield ok(topic, state)


def keyring(paths: Paths) -> Iterator[Finding]:
    """Whether secrets of webhooks can be kept in it; of interest where there is a webhook."""
    webhooks = load(paths.config_file).webhooks
    if not webhooks:
        return
    inside = [each.name for each in webhooks if each.kept_in == "keyring"]
    if not (wrong := why_not()):
        yield ok("keyring", f"open; it holds the secrets of {count(len(inside), 'webhook')}")
    elif inside:
        remedy = "unlock it (log in again), or declare these webhooks again"
        yield warn("keyring", f"{wrong}; {', '.join(inside)} cannot send", remedy)
    else:
        yield ok("keyring", f"{wrong}; secrets of webhooks stand in files that only you can read")


def _webhook(webhook: WebhookBody) -> Finding:
    topic = f"webhook {webhook.name}"
    waits = f"; {webhook.waiting} wait" if webhook.waiting else ""
    if gone := dropped(webhook.dropped):
        waits = f"{waits}; {gone}"
    if webhook.state == "failed" or webhook.dropped or (webhook.why and webhook.waiting):
        remedy = f"try: {typed('webhook', 'test', webhook.name)}"
        return warn(topic, f"{webhook.why or webhook.state}{waits}", remedy)
    at = f" {webhook.delivered_at}" if webhook.state == "delivered" else ""
    return ok(topic, f"{webhook.kind}, {webhook.state}{at}{waits}")


def _channel(channel: ChannelBody) -> Finding:
    topic = f"channel {channel.name}"
    remedy = _CHANNEL_REMEDIES.get(channel.name, "see the log")
    waits = f"; {channel.waiting} wait" if channel.waiting else ""
    words = standing(channel.state, channel.fault, channel.clients, channel.receivers)
    if channel.state in {ChannelState.FAILED, ChannelState.ABSENT}:
        return warn(topic, f"{words}{waits}", remedy)
    if channel.clients is not None or channel.receivers is not None:
        return ok(topic, f"{words}{waits}")
    if channel.latest is not None:
        return ok(topic, f"{channel.latest.state} {channel.latest.at}{waits}")
    return ok(topic, f"open, nothing sent so far{waits}")


def levers(limits: ModeLimits) -> Iterator[Finding]:
    """A line for each actuator, each other OOM daemon and each log."""
    platform = platforms.current()
    system = platform.system()
    for row in platform.check_actuators(platform.actuators(system), system):
        yield _finding(row)
    processes = platform.process_table().scan()
    details = platform.process_details()
    for each in other_oom_daemons(processes, details.cmdline, platform.small_text):
        yield ok("other guardian", each.sentence(limits.memory_floor_percent))
    yield from (_log(each) for each in platform.log_sources())
    yield _foreground(*platform.foreground_known())


def _finding(row: ActuatorRow) -> Finding:
    topic = f"lever {row.name.lower()}"
    if not row.works:
        return warn(topic, row.why_not or "does not work here", "the other levers are used")
    return ok(topic, f"works; {row.note}" if row.note else "works")


def _log(source: Source) -> Finding:
    if source.why_not:
        return warn(source.name, source.why_not, source.remedy)
    return ok(source.name, "tells what others end here")


def _foreground(known: str, why_not: str) -> Finding:
    if why_not:
        return warn("foreground", why_not, "protect what you work with by name: protect.protected")
    return ok("foreground", known)


Check = Callable[[], Iterable[Finding]]


def run(
    paths: Paths, levers: Check | None = None, environ: Mapping[str, str] | None = None
) -> list[Finding]:
    """Every finding; ``levers`` checks the protector's actuators, where it is given."""
    environ = os.environ if environ is None else environ
    checks: list[tuple[str, Check]] = [
        ("versions", versions),
        ("instance", lambda: instance(paths)),
        ("settings", lambda: settings(paths)),
        ("folders", lambda: folders(paths)),
        ("history", lambda: history(paths)),
        ("display", lambda: display(environ)),
        ("session", lambda: session(environ)),
        ("pressure", pressure),
        ("syslog", syslog),
        ("limits", limits),
        ("channels", lambda: channels(paths)),
        ("servers", lambda: servers(paths)),
        ("keyring", lambda: keyring(paths)),
    ]
    if levers is not None:
        checks.append(("levers", levers))
    return [finding for topic, check in checks for finding in _findings(topic, check)]


def _findings(topic: str, check: Check) -> list[Finding]:
    try:
        return list(check())
    except (OSError, ValueError, RuntimeError) as error:
        return [warn(topic, f"could not be looked at: {error}", "report this")]
