"""The files of runs: a record for each, and what was learnt of each project and command.

``data/runs/ID.json`` is one run, written while it goes on and at its end; the newest 200 stay.
``data/runs.json`` has the figures of the last times. Both are replaced at once, never half written.
``model`` has the same as typed facts, for who reads them. Where the files are and which project a
folder belongs to is answered as by ``base.paths`` and ``processes.projects`` (a test compares
them), for a tenth of their time.
"""

import contextlib
import fcntl
import os

from omnitray.base.bounded import read_bounded
from omnitray.runs.light import dumps, loads

SCHEMA = 1
KEPT_RUNS = 200  # 5 kB each with its samples: 1 MB in all
KEPT_COMMANDS = 500
MOST_SAMPLES = 240  # points of a chart 960 pixels wide, one in four
MOST_BYTES = 4_000_000  # 500 commands take some 200 kB
_BARE = frozenset("@%+=:,./-_")
COMMAND_LIMIT = 200  # characters of a command that tell it from others
_COERCED = ("C.UTF-8", "C.utf8", "UTF-8")
MOST_ABOVE = 40  # folders looked at upwards, as processes.projects does

Record = dict[str, object]


class RunFiles:
    """The files under ``data``. A disk that refuses costs the record, never the run."""

    def __init__(self, data: str) -> None:
        self._data = data
        self.folder = os.path.join(data, "runs")
        self._learnt = os.path.join(data, "runs.json")

    def learnt(self, project: str, command: str) -> "Record":
        """What is known of a command in a project; empty for a first time."""
        return self._all().get(project, {}).get(command, {})

    def learn(self, project: str, command: str, figures: "Record") -> None:
        """Keep the figures of a run that is over. Raises OSError."""
        make_folder(self.folder)
        with _locked(os.path.join(self.folder, ".lock")):
            known = self._all()
            known.setdefault(project, {})[command] = figures
            places = [(p, c) for p, commands in known.items() for c in commands]
            places.sort(key=lambda place: _when(known[place[0]][place[1]]))
            for old_project, old_command in places[:-KEPT_COMMANDS]:
                del known[old_project][old_command]
                if not known[old_project]:
                    del known[old_project]
            replace(self._learnt, {"schema": SCHEMA, "projects": known}, durable=True)

    def sync(self, run: str) -> None:
        """Make a run's record and both folders durable; a disk takes 1 to 20 ms for each."""
        for path in (os.path.join(self.folder, f"{run}.json"), self.folder, self._data):
            with contextlib.suppress(OSError):
                handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    os.fsync(handle)
                finally:
                    os.close(handle)

    def write(self, record: "Record") -> None:
        """Put a record there; it is durable after :meth:`sync`. Raises OSError."""
        make_folder(self.folder)
        replace(os.path.join(self.folder, f"{record['id']}.json"), record)

    def take_tests(self, run: str) -> "Record":
        """What the pytest plugin has counted for a run; empty where it did not."""
        path = os.path.join(self.folder, f"{run}.tests")
        found = read(path)
        if found:
            os.unlink(path)
        return found

    def sweep(self) -> None:
        """Forget the oldest runs. Raises OSError."""
        names = sorted(name for name in os.listdir(self.folder) if name.endswith(".json"))
        for name in names[:-KEPT_RUNS]:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(self.folder, name))

    def unfinished(self) -> "list[Record]":
        """Records of runs that go on, or were cut off with their wrapper."""
        found = []
        try:
            names = os.listdir(self.folder)
        except OSError:
            return []
        for name in names:
            record = read(os.path.join(self.folder, name)) if name.endswith(".json") else {}
            if record.get("state") == "running":
                found.append(record)
        return found

    def _all(self) -> "dict[str, dict[str, Record]]":
        found = read(self._learnt).get("projects")
        if not isinstance(found, dict):
            return {}
        return {
            project: {
                command: figures
                for command, figures in commands.items()
                if isinstance(figures, dict)
            }
            for project, commands in found.items()
            if isinstance(commands, dict)
        }


def read(path: str) -> "Record":
    """The object in a file; empty where there is none, or it makes no sense."""
    try:
        found = loads(read_bounded(path, MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def replace(path: str, value: object, *, durable: bool = False) -> None:
    """Write a file as a whole (as base.durable does, which takes too long to import).

    With ``durable`` its content is on the disk before its name is: who reads it after a power cut
    finds the old one or the new one, never half of it.
    """
    temporary = f"{path}.{os.getpid()}.tmp"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.write(dumps(value))
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.rename(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def thinned(samples: "list[list[float]]") -> "list[list[float]]":
    """At most ``MOST_SAMPLES`` of them: of two neighbours the one with more memory stays."""
    while len(samples) > MOST_SAMPLES:
        pairs = [samples[at : at + 2] for at in range(0, len(samples), 2)]
        samples = [max(pair, key=lambda each: each[1]) for pair in pairs]
    return samples


def command_text(words: "list[str]") -> str:
    """What tells one command from another, and is shown: bounded, printable, on one line.

    Quoted as a shell wants it, so that ``sh -c 'exit 7'`` reads as it was typed.
    """
    text = " ".join(_quoted(word) for word in words)
    return text if len(text) <= COMMAND_LIMIT else f"{text[: COMMAND_LIMIT - 1]}…"


def words_of(text: str) -> "list[str]":
    """The words of a :func:`command_text`, as far as they stand in it."""
    import shlex  # noqa: PLC0415 - where a run is reported, not where it starts

    text = text.removesuffix("…")
    for end in ("", "'"):  # a text that was cut within quotes
        try:
            return shlex.split(text + end)
        except ValueError:
            continue
    return text.split()


def _quoted(word: str) -> str:
    """As shlex.quote(), which takes 5 ms to import; letters of all languages stay bare."""
    word = word.encode("utf-8", "replace").decode()
    spaced = "".join(
        each if each.isprintable() else " " if each.isspace() else "?" for each in word
    )
    word = " ".join(spaced.split()) if spaced.strip() else spaced
    if word and all(each.isalnum() or each in _BARE for each in word):
        return word
    return "'" + word.replace("'", "'\"'\"'") + "'"


def number(record: "Record", key: str) -> float:
    """A figure of a record; 0 where there is none."""
    found = record.get(key)
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else 0.0


def _when(figures: "Record") -> float:
    return number(figures, "at")


@contextlib.contextmanager
def _locked(path: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - typing takes too long here
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def make_folder(folder: str) -> None:
    """The folder and its missing parents, private (``os.makedirs`` gives the last one its mode).

    Raises OSError.
    """
    if not os.path.isdir(folder):
        make_folder(os.path.dirname(folder))
        with contextlib.suppress(FileExistsError):  # another run has made it
            os.mkdir(folder, 0o700)


def data_folder() -> str:
    """The program's data folder, also where it does not exist yet."""
    own = os.environ.get("OMNITRAY_HOME")
    if own:
        return os.path.join(working_folder(), os.path.expanduser(own), "data")
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


def working_folder() -> str:
    """Where we are; ``/`` where that was deleted."""
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
