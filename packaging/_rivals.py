"""Programs that ours is measured and tested beside: unpacked, never installed.

Debian's packages of earlyoom and nohang start a service that ends processes; that must not be
left on anybody's machine. So the packages are fetched and unpacked into ``.venv/rivals``.
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
            say(f"{name} cannot be had here: nothing is measured or tested beside it.")


def _fetch(place: Path) -> None:
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return
    say(f"Fetching {' and '.join(PACKAGES)} to run beside …")
    new = place.with_name("rivals.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    download = ["apt-get", "-qq", "download", *PACKAGES]
    # Lists may be absent or old: update (where that is allowed) only when the first try fails.
    for command in (download, ["apt-get", "-qq", "update"], download):
        done = subprocess.run(command, cwd=new, capture_output=True, check=False)
        if command is download and done.returncode == 0:
            break
    for package in new.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, new], check=True)
    if list(new.glob("*.deb")):
        new.rename(place)
