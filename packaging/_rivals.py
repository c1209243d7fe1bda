"""Programs that ours is measured beside: unpacked, never installed.

Debian's packages of earlyoom and nohang start a service that ends processes; a benchmark must not
leave that on anybody's machine. So the packages are fetched and unpacked into ``.venv/rivals``.
"""

import os
import shutil
import subprocess
from pathlib import Path

from _environment import VENV
from _say import say

PACKAGES = ("earlyoom", "nohang")


def offer() -> None:
    """Put them on the PATH of what runs next, where they can be had; say so where they cannot."""
    place = VENV / "rivals"
    if not place.exists():
        _fetch(place)
    folders = [str(place / each) for each in ("usr/bin", "usr/sbin")]
    os.environ["PATH"] = os.pathsep.join([*folders, os.environ["PATH"]])
    os.environ["OMNITRAY_RIVALS"] = str(place)
    for name in PACKAGES:
        if shutil.which(name) is None:
            say(f"{name} cannot be had here: its rows will be missing.")


def _fetch(place: Path) -> None:
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return
    say(f"Fetching {' and '.join(PACKAGES)} to measure beside …")
    new = place.with_name("rivals.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    command = ["apt-get", "-qq", "download", *PACKAGES]
    subprocess.run(command, cwd=new, capture_output=True, check=False)
    for package in new.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, new], check=True)
    if list(new.glob("*.deb")):
        new.rename(place)
