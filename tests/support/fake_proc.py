"""A folder that looks like / of a Linux machine, as far as a test writes it."""

from pathlib import Path

ZEROS = "0 " * 20


class FakeRoot:
    """Writes below ``path``; hand ``path`` to whatever takes a root."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "proc").mkdir(parents=True, exist_ok=True)

    @property
    def proc(self) -> Path:
        return self.path / "proc"

    def write(self, name: str, content: str | bytes) -> Path:
        """A file, its folders too; replaced in place, as the kernel's are."""
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def process(self, pid: int, name: bytes | str = "sleep", **fields: int | str) -> Path:
        """/proc/PID/stat; ``fields`` by the names of :func:`stat_line`."""
        return self.write(f"proc/{pid}/stat", stat_line(pid, name, **fields))


def stat_line(pid: int, name: bytes | str = "sleep", **fields: int | str) -> bytes:
    """A line of /proc/PID/stat as the kernel writes it."""
    values: dict[str, int | str] = {
        "state": "S",
        "ppid": 1,
        "group": pid,
        "session": pid,
        "tty": 0,
        "utime": 0,
        "stime": 0,
        "nice": 0,
        "threads": 1,
        "start": 1000 + pid,
        "rss": 10,
    }
    values.update(fields)
    head = "{state} {ppid} {group} {session} {tty} -1 4194304 0 0 0 0".format(**values)
    times = "{utime} {stime} 0 0 20 {nice} {threads} 0 {start} 1000000 {rss}".format(**values)
    raw = name.encode() if isinstance(name, str) else name
    return b"%d (%b) %b %b %b\n" % (pid, raw, head.encode(), times.encode(), ZEROS.encode())
