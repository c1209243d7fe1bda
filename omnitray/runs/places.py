"""Where the files of runs are, and which project a folder belongs to.

The same answers as ``base.paths`` and ``processes.projects`` give (a test compares them), for a
tenth of their time.
"""

import os

_COERCED = ("C.UTF-8", "C.utf8", "UTF-8")
MOST_ABOVE = 40  # folders looked at upwards, as processes.projects does


def data_folder() -> str:
    """The program's data folder, also where it does not exist yet."""
    own = os.environ.get("OMNITRAY_HOME")
    if own:
        return os.path.join(_working_folder(), os.path.expanduser(own), "data")
    if not os.path.isdir(
        "/proc/self"
    ):  # no Linux: the folders of other systems are not ours to say
        from omnitray.base.paths import find_paths  # noqa: PLC0415 - see above

        return str(find_paths().data)
    given = os.environ.get("XDG_DATA_HOME", "").strip()
    base = given if os.path.isabs(given) else os.path.join(home(), ".local", "share")
    return os.path.join(base, "omnitray")


def home() -> str:
    """The home folder, ``/`` where there is none."""
    found = os.path.expanduser("~")
    return found if os.path.isabs(found) else "/"


def project_of(folder: str) -> str:
    """``~/shop``: the git root above a folder, else the folder itself, as a person writes it."""
    own = home()
    root, place = folder, folder
    for _ in range(MOST_ABOVE):
        if place == own and place != folder:
            break
        if os.path.exists(os.path.join(place, ".git")):
            root = place
            break
        above = os.path.dirname(place)
        if above == place:
            break
        place = above
    if root == own:
        return "~"
    return f"~{root[len(own) :]}" if own != "/" and root.startswith(f"{own}/") else root


def _working_folder() -> str:
    try:
        return os.getcwd()
    except OSError:
        return "/"


def given_environment() -> "dict[str, str]":
    """What we were started with: Python adds LC_CTYPE where the locale is C (PEP 538)."""
    environ = dict(os.environ)
    if environ.get("LC_CTYPE") in _COERCED:
        try:
            with open("/proc/self/environ", "rb") as file:
                given = file.read().split(b"\0")
        except OSError:
            return environ
        if not any(each.startswith(b"LC_CTYPE=") for each in given):
            del environ["LC_CTYPE"]
    return environ


def working_folder() -> str:
    """Where we are; ``/`` where that was deleted."""
    return _working_folder()
