"""What a server was not permitted to do, read from its exit, its log and the files it names.

Exit code 126 is a shell's word for "cannot be run"; the errno texts are those of the C library, of
Python, Node, Java, Go and Rust. What is not found is no permission problem.
"""

import contextlib
import os
import re
import stat
from pathlib import Path

from omnitray.base.process_environment import expanded
from omnitray.servers.model import PermissionFault, local_port
from omnitray.settings.servers import ServerSettings

NOT_EXECUTABLE = 126
PRIVILEGED_PORTS = 1024  # the kernel's default; ip_unprivileged_port_start says otherwise
_DENIED = re.compile(
    r"permission denied|operation not permitted|\bEACCES\b|\bEPERM\b|AccessDenied|access is denied",
    re.IGNORECASE,
)
_BIND = re.compile(r"\bbind|listen|socket|address|port\b", re.IGNORECASE)
_PATH = re.compile(r"""['"“`]?((?:~|\.{1,2})?/[^'"”`:;,()\s\[\]]+)""")


def from_exit(
    spec: ServerSettings, cwd: Path, code: int | None, tail: tuple[str, ...]
) -> PermissionFault | None:
    """What an exit says, with the last lines of the log."""
    line = next((each for each in reversed(tail) if _DENIED.search(each)), "")
    if code == NOT_EXECUTABLE:
        return _of_line(line, cwd) or _program(spec, cwd, "cannot be run")
    if not line or code == 0:
        return None
    return _port(spec, line) or _of_line(line, cwd)


def from_spawn(spec: ServerSettings, cwd: Path, error: OSError) -> PermissionFault | None:
    """What a start that failed says; None where it has to do with something else."""
    if not cwd.is_dir():
        if isinstance(error, PermissionError):
            return described(cwd, "Its folder may not be entered.")
        return None
    return _program(spec, cwd, "cannot be run") if isinstance(error, PermissionError) else None


def described(path: Path, what: str) -> PermissionFault:
    """The fault with mode and owner of the first part of the path that may not be passed."""
    place = _first_closed(path)
    mode = owner = ""
    with contextlib.suppress(OSError):
        found = place.stat()
        mode, owner = f"{stat.S_IMODE(found.st_mode):04o}", _user(found.st_uid)
    return PermissionFault(
        what=what, path=str(place), mode=mode, owner=owner, remedy=_remedy(place, owner)
    )


def _program(spec: ServerSettings, cwd: Path, what: str) -> PermissionFault:
    name = spec.command[0]
    if os.sep not in name:
        return PermissionFault(
            what=f"The program {name} {what}.", remedy="Look at its permissions."
        )
    fault = described(cwd / expanded(name), f"The program {name} {what}.")
    return fault if fault.path != str(cwd / name) else _executable(fault)


def _executable(fault: PermissionFault) -> PermissionFault:
    import msgspec  # noqa: PLC0415 - one rare call

    return msgspec.structs.replace(fault, remedy=f"Make it executable: chmod u+x {fault.path}")


def _port(spec: ServerSettings, line: str) -> PermissionFault | None:
    port = local_port(spec)
    named = re.search(r":(\d{1,5})\b", line) or re.search(r"\bport\D{0,3}(\d{1,5})\b", line)
    if named is not None:
        port = int(named[1])
    if port is None or not 0 < port < _first_free_port() or not _BIND.search(line):
        return None
    return PermissionFault(
        what=f"It may not listen on port {port}: ports below {_first_free_port()} are reserved.",
        remedy=f"Use a higher port, for instance {8000 + port}, or let a proxy listen there.",
    )


def _of_line(line: str, cwd: Path) -> PermissionFault | None:
    if not line:
        return None
    said = line.strip()[:300]
    found = _PATH.search(line)
    if found is None:
        return PermissionFault(
            what=f"Its log says: {said}", remedy="Look at the permissions of what it names."
        )
    path = expanded(found[1])
    return described(path if path.is_absolute() else cwd / path, f"Its log says: {said}")


def _first_closed(path: Path) -> Path:
    """The path itself, or the folder above it that may not be passed."""
    for folder in reversed(path.parents):
        if not os.access(folder, os.X_OK):
            return folder
    return path


def _remedy(place: Path, owner: str) -> str:
    if owner and owner != _user(_own_uid()):
        return f"Give it to your user (sudo chown {_user(_own_uid())} {place}), or use another."
    access = "u+rwx" if place.is_dir() else "u+rw"
    return f"Open it to yourself: chmod {access} {place}"


def _first_free_port() -> int:
    try:
        text = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text(encoding="ascii")
        return int(text)
    except (OSError, ValueError):
        return PRIVILEGED_PORTS


def _own_uid() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0


def _user(uid: int) -> str:
    try:
        import pwd  # noqa: PLC0415 - there is none on Windows

        return pwd.getpwuid(uid).pw_name
    except (ImportError, KeyError):
        return str(uid)
