"""pip at work: what it does shown as it goes, what goes wrong said in a sentence."""

import re
import subprocess
from collections import deque
from pathlib import Path

from _say import Problem, say

PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input", "--no-color")
NETWORK = re.compile(
    r"connection broken|name resolution|timed out|Network is unreachable|Connection refused"
    r"|No matching distribution|ProxyError|SSLError|Could not fetch",
    re.IGNORECASE,
)


def install_locked(python: Path, lock: Path) -> None:
    """Everything a lock file names, each file held to its hash."""
    total = len(re.findall(r"^[\w.-]+==", lock.read_text(), re.MULTILINE))
    say(f"Installing {total} libraries ({lock.stem}) …")
    # The lock is complete: nothing is left to resolve.
    arguments = ["install", "--require-hashes", "--no-deps", "--retries", "1", "-r", str(lock)]
    _pip(python, arguments, total)


def install_project(python: Path, root: Path) -> None:
    """The project itself, editable, built by the locked build backend."""
    say("Installing OmniTray itself …")
    _pip(python, ["install", "--no-deps", "--no-build-isolation", "--quiet", "-e", str(root)], 0)


def install_wheel(python: Path, target: Path, wheel: Path) -> None:
    """A wheel into another environment, with nothing but what is in it."""
    _pip(python, ["--python", str(target), "install", "--no-deps", "--quiet", str(wheel)], 0)


def _pip(python: Path, arguments: list[str], total: int) -> None:
    command = [str(python), *PIP, *arguments]
    tail: deque[str] = deque(maxlen=40)
    seen = 0
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            tail.append(line.strip())
            seen += _show(line, seen, total)
    if process.returncode:
        raise _problem("\n".join(tail), " ".join(command))


def _show(line: str, seen: int, total: int) -> int:
    """Show a line of pip's that means progress; 1 where it begins another library."""
    if name := _named_in(line):
        say(f"  {seen + 1:2}/{total} {name}")
        return 1
    if size := re.search(r"Downloading .*\((\d{2,}\.\d MB)\)", line):
        say(f"        {size.group(1)} to download")
    if line.startswith("Installing collected packages"):
        say("        writing them to disk …")
    return int(line.startswith("Requirement already satisfied: "))


def _named_in(line: str) -> str | None:
    """The library that pip begins with in this line."""
    words = line.split()
    if len(words) < 2 or words[0] not in {"Collecting", "Processing"}:  # noqa: PLR2004 - verb, name
        return None
    if words[0] == "Collecting":
        return words[1].split(";")[0].replace("==", " ")
    return " ".join(Path(words[1]).name.split("-")[:2])  # a wheel that is on this machine


def _problem(output: str, command: str) -> Problem:
    if NETWORK.search(output):
        return Problem(
            "The libraries could not be downloaded: no network, or a proxy or index is in the way.",
            "connect, or set HTTPS_PROXY or PIP_INDEX_URL, then say the same again",
        )
    if "No space left" in output:
        return Problem("The disk is full.", "df -h .")
    if "Permission denied" in output:
        return Problem("The environment may not be written by you.", "ls -ld .venv")
    errors = [line for line in output.splitlines() if line.startswith("ERROR")]
    last = errors[0] if errors else output.splitlines()[-1] if output else "no reason given"
    return Problem(f"pip failed: {last}", command)
