"""Boots a throw-away Debian machine with a real systemd user session and runs a payload in it.

    python packaging/systemd_vm.py [--payload DIR] [--limit SECONDS] [--kernel-args ARGS]

Needs root and the Debian packages qemu-system-x86, debootstrap and e2fsprogs. The base system is
built once into the cache (``OMNITRAY_VM_CACHE``, else the user's cache folder; about 700 MB, some
minutes); every run boots a snapshot of it, so nothing that happens inside stays.

The payload is put on a disk of its own, together with this program's package and the few wheels
it needs (there is no network inside). ``run.sh`` of the payload is started from a login session
on a terminal, as an ordinary user. What it prints comes out here, its exit status is ours:
2 for a missing tool, 124 for no answer in time.

The machine is emulated unless ``--kvm`` is given (a machine that is itself virtual often offers a
KVM that does not start): times inside compare with each other, never with the host's.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SUITE = "bookworm"
PYTHON = "3.11"  # the suite's
PACKAGES = (
    "systemd,systemd-sysv,dbus,dbus-user-session,libpam-systemd,python3,procps,kmod,udev,"
    "initramfs-tools,linux-image-amd64,login,sudo"
)
WHEELS = ("msgspec", "jeepney", "psutil")
TOOLS = ("qemu-system-x86_64", "debootstrap", "mke2fs")
USAGE, NO_ANSWER = 2, 124

_SESSION = """#!/bin/bash
# A login session on a terminal: what a person has who logs in.
stty -F /dev/ttyS1 -opost -echo 2>/dev/null
setsid --ctty --wait login -f dev </dev/ttyS1 >/dev/ttyS1 2>&1
sync
poweroff -f
"""
_PROFILE = """
if [ "$(tty)" = /dev/ttyS1 ] && [ -x /payload/run.sh ]; then
  cd /payload && ./run.sh
  echo "@@exit $?"
  exit
fi
"""
_SERVICE = """[Unit]
After=multi-user.target
RequiresMountsFor=/payload
[Service]
ExecStart=/root/session.sh
[Install]
WantedBy=multi-user.target
"""
_FSTAB = "/dev/vda / ext4 defaults 0 1\n/dev/vdb /payload ext4 defaults 0 0\n"


def main(arguments: list[str]) -> int:
    """Build what is missing, boot, print what the payload said."""
    options = _parse(arguments)
    problem = _what_is_missing(options.payload)
    if problem:
        print(problem, file=sys.stderr)
        return USAGE
    base = _base(_cache())
    with _staged(options.payload, _cache()) as disk, tempfile.TemporaryDirectory() as work:
        _boot(base, disk, Path(work), options)
        return _report(Path(work), options.limit)


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run a payload in a real systemd user session.")
    parser.add_argument("--payload", type=Path, default=ROOT / "tests" / "systemd")
    parser.add_argument("--limit", type=int, default=900, help="seconds for the whole boot")
    parser.add_argument("--memory", type=int, default=2048, help="the machine's memory in MB")
    parser.add_argument("--kernel-args", default="", help="more for the kernel's command line")
    parser.add_argument("--kvm", action="store_true", help="where it works: ten times faster")
    return parser.parse_args(arguments)


def _what_is_missing(payload: Path) -> str:
    if not os.access(payload / "run.sh", os.X_OK):
        return f"systemd_vm: {payload / 'run.sh'} is missing or not executable"
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        wanted = "apt-get install qemu-system-x86 debootstrap e2fsprogs"
        return f"systemd_vm: {', '.join(missing)} missing: {wanted}"
    return "" if os.geteuid() == 0 else "systemd_vm: building the machine needs root"


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    cache = Path(os.environ.get("OMNITRAY_VM_CACHE") or f"{home}/omnitray-systemd-vm")
    cache.mkdir(parents=True, exist_ok=True)
    return cache


def _base(cache: Path) -> Path:
    """The folder with disk, kernel and initrd of the base system, built where it is not there."""
    recipe = f"{SUITE} {PACKAGES} {_SESSION} {_PROFILE} {_SERVICE} {_FSTAB}"
    base = cache / f"base-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    if not (base / "disk.img").exists():
        print("systemd_vm: building the base system, once", file=sys.stderr)
        shutil.rmtree(base, ignore_errors=True)
        base.mkdir()
        _build(base)
    return base


def _build(base: Path) -> None:
    root = base / "root"
    log = (base / "debootstrap.log").open("wb")
    with log:
        command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(root)]
        subprocess.run(command, check=True, stdout=log, stderr=log)
    _furnish(root)
    for name in ("vmlinuz", "initrd.img"):
        shutil.copy(next((root / "boot").glob(f"{name}-*")), base / name)
    unfinished = base / "disk.part"
    _make_disk(root, unfinished, spare_mb=400)
    shutil.rmtree(root)
    unfinished.rename(base / "disk.img")


def _furnish(root: Path) -> None:
    """A user, the payload's place, and a service that logs the user in on the second line."""
    subprocess.run(
        ["chroot", root, "useradd", "-m", "-u", "1000", "-s", "/bin/bash", "dev"], check=True
    )
    (root / "payload").mkdir()
    (root / "etc/fstab").write_text(_FSTAB)
    (root / "etc/sudoers.d/dev").write_text("dev ALL=(ALL) NOPASSWD: ALL\n")
    (root / "home/dev/.bash_profile").write_text(_PROFILE)
    (root / "home/dev/.hushlogin").touch()
    (root / "root/session.sh").write_text(_SESSION)
    (root / "root/session.sh").chmod(0o755)
    (root / "etc/systemd/system/payload.service").write_text(_SERVICE)
    subprocess.run(["chroot", root, "systemctl", "enable", "payload.service"], check=True)


def _make_disk(folder: Path, disk: Path, spare_mb: int) -> None:
    size = subprocess.run(["du", "-sm", folder], check=True, capture_output=True, text=True)
    megabytes = int(size.stdout.split()[0]) * 13 // 10 + spare_mb
    with disk.open("wb") as image:
        image.truncate(megabytes << 20)
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", folder, disk], check=True)


@contextmanager
def _staged(payload: Path, cache: Path) -> Iterator[Path]:
    """A disk with the payload, our package and the wheels, gone afterwards."""
    with tempfile.TemporaryDirectory(dir=cache) as work:
        folder = Path(work, "payload")
        shutil.copytree(payload, folder)
        skip = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "omnitray", folder / "site" / "omnitray", ignore=skip)
        shutil.copytree(_wheels(cache), folder / "site", dirs_exist_ok=True)
        subprocess.run(["chown", "-R", "1000:1000", folder], check=True)
        disk = Path(work, "payload.img")
        _make_disk(folder, disk, spare_mb=64)
        yield disk


def _wheels(cache: Path) -> Path:
    """The libraries for the machine's Python, fetched once by pip."""
    folder = cache / f"wheels-{PYTHON}"
    if not folder.exists():
        part = cache / "wheels.part"
        shutil.rmtree(part, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(part)]
        kind = ["--only-binary=:all:", "--python-version", PYTHON]
        kind += ["--platform", "manylinux2014_x86_64", "--platform", "manylinux_2_28_x86_64"]
        subprocess.run([*pip, *kind, *WHEELS], check=True)
        part.rename(folder)
    return folder


def _boot(base: Path, disk: Path, work: Path, options: argparse.Namespace) -> None:
    kernel = (
        f"root=/dev/vda rw console=ttyS0 psi=1 quiet systemd.show_status=0 {options.kernel_args}"
    )
    accelerator = ["-accel", "kvm" if options.kvm else "tcg,thread=multi"]
    command = ["qemu-system-x86_64", "-machine", "q35", *accelerator, "-cpu", "max"]
    command += ["-smp", "2", "-m", str(options.memory), "-no-reboot", "-net", "none"]
    command += ["-kernel", f"{base}/vmlinuz", "-initrd", f"{base}/initrd.img", "-append", kernel]
    command += ["-drive", f"file={base}/disk.img,if=virtio,format=raw,snapshot=on"]
    command += ["-drive", f"file={disk},if=virtio,format=raw"]
    command += ["-display", "none", "-serial", f"file:{work}/console.log"]
    command += ["-serial", f"file:{work}/out.log"]
    try:
        subprocess.run(command, check=False, timeout=options.limit, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        print(f"systemd_vm: stopped after {options.limit} s", file=sys.stderr)


def _report(work: Path, limit: int) -> int:
    text = (work / "out.log").read_text(errors="replace").replace("\r", "")
    status = NO_ANSWER
    for line in text.splitlines():
        if line.startswith("@@exit "):
            status = int(line.split()[1])
        else:
            print(line)
    if status == NO_ANSWER:
        print(f"systemd_vm: no answer within {limit} s; the console said:", file=sys.stderr)
        console = (work / "console.log").read_text(errors="replace").splitlines()
        print("\n".join(console[-8:]), file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
