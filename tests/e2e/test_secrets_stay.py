"""Canaries in place of secrets: they appear in no file but their own, and in no output."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect

from support.desktop import Desktop
from support.keyring_service import gnome_keyring, lock
from support.receivers import Behaviour, StandIn, free_port, stand_in

CANARY = "cAnAry7f3e9"
LONG_S = 60.0
# Each has a canary in the address, the secret or both; the receiver answers with what it was sent.
HOOKS = """
[[webhook]]
name = "inline"
kind = "slack"
url = "{url}/services/{canary}"
[[webhook]]
name = "in-a-file"
kind = "discord"
url_file = "{folder}/discord"
[[webhook]]
name = "signed"
kind = "json"
url = "{url}/json?token={canary}"
secret = "{canary}"
[[webhook]]
name = "redirected"
kind = "json"
url = "{url}/{canary}/elsewhere"
[[webhook]]
name = "call"
kind = "pagerduty"
url = "{url}/v2/enqueue"
secret_file = "{folder}/call"
[[webhook]]
name = "tls"
kind = "json"
url = "{tls}/{canary}"
[[webhook]]
name = "mail"
kind = "email"
url = "smtp://me%40example.org:{canary}@127.0.0.1:{closed}/?to=you@example.org&tls=no"
[[webhook]]
name = "odd-mail"
kind = "email"
url_file = "{folder}/odd"
[[webhook]]
name = "bot"
kind = "telegram"
url = "{url}/bot{canary}/sendMessage?chat_id=1"
"""
HOOK_NAMES = ("in-a-file", "signed", "redirected", "call", "tls", "bot", "mail", "odd-mail")
MISTAKES = """
[[webhook]]
name = "wrong-scheme"
kind = "slack"
url = "hpps://x/{canary}"
[[webhook]]
name = "wrong-key"
kind = "json"
url = "https://x/"
secrte = "{canary}"
[[webhook]]
name = "wrong-type"
kind = "json"
url = ["https://x/{canary}"]
[webhok]
url = "https://x/{canary}"
[notifications]
secret = "{canary}"
"""
COMMANDS = (
    ("settings",),
    ("settings", "--json"),
    ("webhook", "list", "--json"),
    ("history", "--csv"),
    ("token",),
    ("doctor", "--json"),
)
ASKED = ("status", "webhooks", "channels", "alerts", "settings", "actions", "servers")


def until(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + LONG_S
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.05)


class Subscription:
    """Reads on a thread of its own."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._over = threading.Event()
        self.frames: list[str] = []
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def close(self) -> str:
        """All of it."""
        self._over.set()
        self._thread.join(LONG_S)
        return "\n".join(self.frames)

    def _read(self) -> None:
        with connect(self._url, additional_headers=self._headers, proxy=None) as socket:
            while not self._over.is_set():
                with contextlib.suppress(TimeoutError):
                    self.frames.append(str(socket.recv(timeout=0.1)))


class Home:
    """A headless OmniTray with canaries for secrets."""

    def __init__(self, folder: Path, receiver: StandIn) -> None:
        self.folder = folder / "home"
        self.receiver = receiver
        self.secrets = self.folder / "secrets"
        self.secrets.mkdir(parents=True, mode=0o700)
        for name, text in {
            "discord": f"{receiver.url}/api/webhooks/{CANARY}",
            "call": CANARY,
            "odd": f"smtp://me:{CANARY}#{CANARY}@127.0.0.1/?to=you@example.org",
        }.items():
            self.write(self.secrets / name, text)
        self.config = self.folder / "config" / "config.toml"
        self.config.parent.mkdir()
        tls = receiver.url.replace("http:", "https:")
        self.hooks = HOOKS.format(
            url=receiver.url, canary=CANARY, folder=self.secrets, tls=tls, closed=free_port()
        )
        self.base = f'[api]\nport = {free_port()}\n[protect]\nstate = "off"\n'
        self.write(self.config, self.base + self.hooks)
        self.output = folder / "output"
        self.environment = os.environ | {"OMNITRAY_HOME": str(self.folder)}

    def write(self, file: Path, text: str) -> None:
        file.touch(mode=0o600)
        file.write_text(text)

    def start(self) -> "subprocess.Popen[bytes]":
        with self.output.open("wb") as output:
            command = [sys.executable, "-X", "dev", "-m", "omnitray", "--headless", "--verbose"]
            program = subprocess.Popen(
                command, stdout=output, stderr=output, env=self.environment, cwd=self.folder
            )
        until((self.folder / "run" / "api.json").exists, "it answers")
        return program

    def run(self, *words: str) -> str:
        found = subprocess.run(
            [sys.executable, "-m", "omnitray", *words],
            capture_output=True,
            text=True,
            env=self.environment,
            check=False,
            timeout=90,
        )
        return found.stdout + found.stderr

    def ask(self, path: str, **body: str) -> str:
        """What the API says; it needs the token, and must not repeat it."""
        address = json.loads((self.folder / "run" / "api.json").read_text())
        request = urllib.request.Request(  # noqa: S310 - our own address
            f"{address['url']}/api/monitoring/{path}",
            data=json.dumps(body).encode() if body else None,
            headers={
                "Authorization": f"Bearer {address['token']}",
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
            return str(answer.read().decode())

    def metrics(self) -> str:
        """What a scraper gets."""
        address = json.loads((self.folder / "run" / "api.json").read_text())
        scraper = (self.folder / "run" / "metrics.token").read_text().strip()
        headers = {"Authorization": f"Bearer {scraper}"}
        request = urllib.request.Request(f"{address['url']}/metrics", headers=headers)  # noqa: S310 - our own address
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
            return str(answer.read().decode())

    def frames(self) -> Subscription:
        """Everything that the WebSocket sends, until it is closed."""
        address = json.loads((self.folder / "run" / "api.json").read_text())
        return Subscription(f"{address['url'].replace('http', 'ws', 1)}/ws", address["token"])

    @property
    def token(self) -> str:
        return str(json.loads((self.folder / "run" / "api.json").read_text())["token"])

    def files_with(self, secret: str) -> set[str]:
        """Wherever it stands in clear, relative to the home."""
        raw = secret.encode()
        return {
            str(file.relative_to(self.folder))
            for file in self.folder.rglob("*")
            if file.is_file() and raw in file.read_bytes()
        }


@pytest.fixture
def receiver() -> Iterator[StandIn]:
    with stand_in() as found:
        yield found


def processes_with(secret: str, parent: int) -> list[str]:
    """Command lines and environments, of the program and all that it started, that hold it."""
    waiting, found = [str(parent)], []
    while waiting:
        proc = Path("/proc") / waiting.pop()
        try:
            names = (proc / "cmdline", proc / "environ")
            found += [str(name) for name in names if secret.encode() in name.read_bytes()]
            for task in (proc / "task").iterdir():
                waiting += (task / "children").read_text().split()
        except OSError:
            continue  # it has ended
    return found


@pytest.mark.slow  # a real program, eight receivers and the commands, one after the other
def test_secrets_appear_in_no_file_but_their_own_and_in_no_output(
    tmp_path: Path, receiver: StandIn
) -> None:
    home = Home(tmp_path, receiver)
    echo = f"you sent {CANARY} to {receiver.url}/services/{CANARY}"
    receiver.usual = Behaviour(401, echo, (("Location", f"http://elsewhere.example/{CANARY}"),))
    receiver.script = [Behaviour(-2), Behaviour(302, echo, receiver.usual.headers)]
    program = home.start()
    said: dict[str, str] = {}
    listener = home.frames()
    try:
        token = home.token
        home.run("alert", "CRITICAL", "the canary sings", "--severity", "critical")
        receiver.wait(1)
        assert processes_with(CANARY, program.pid) == []  # a worker waits for its answer now
        receiver.release.set()
        receiver.wait(6)
        said["test inline"] = home.run("webhook", "test", "inline")
        for name in HOOK_NAMES:
            said[f"test {name}"] = home.ask("webhooks/test", name=name)
        for path in ASKED:
            said[path] = home.ask(path)
        for words in COMMANDS:
            said[" ".join(words)] = home.run(*words)
        said["metrics"] = home.metrics()
        home.run("export", str(home.folder / "export.csv"))
        home.run("record", "--for", "1s", str(home.folder / "record.jsonl.xz"))
        home.write(home.config, home.base + home.hooks + MISTAKES.format(canary=CANARY))
        until(lambda: '"settings_problems":[]' not in home.ask("status"), "mistakes are said")
        said["status, mistakes"] = home.ask("status")
        said["doctor, mistakes"] = home.run("doctor")
        home.write(home.config, home.base + f'\n[[webhook]]\nurl = "{CANARY}\n')
        until(lambda: "not valid TOML" in home.ask("status"), "the broken file is said")
        said["status, broken"] = home.ask("status")
        said["settings, broken"] = home.run("settings", "--json")
        assert processes_with(token, program.pid) == []
    finally:
        said["WebSocket"] = listener.close()
        program.send_signal(signal.SIGABRT)  # the crash report shows where each thread is
        program.wait(30)
    assert '"the canary sings"' in said["WebSocket"]
    assert "omnitray_webhook_waiting_alerts" in said["metrics"]
    assert b"Fatal Python error: Aborted" in home.output.read_bytes()
    assert (home.folder / "export.csv").exists()
    assert "401" in said["test inline"]
    outputs = {name: text for name, text in said.items() if CANARY in text or token in text}
    assert outputs == {}
    assert CANARY.encode() not in home.output.read_bytes()
    own = {"config/config.toml", "secrets/discord", "secrets/call", "secrets/odd"}
    assert home.files_with(CANARY) == own
    assert home.files_with(token) <= {"run/api.json"}


@pytest.mark.slow  # a real program, started twice, and a real keyring
def test_what_is_in_the_keyring_is_in_no_file_at_all(tmp_path: Path, receiver: StandIn) -> None:
    desktop = Desktop(tmp_path, None)
    home = Home(tmp_path, receiver)
    home.environment |= desktop.environment | {"OMNITRAY_HOME": str(home.folder)}
    try:
        with gnome_keyring(desktop):
            _moved_into_the_keyring_and_back(desktop, home)
    finally:
        desktop.stop()


def _moved_into_the_keyring_and_back(desktop: Desktop, home: Home) -> None:
    names = ("inline", "in-a-file", "signed", "call", "bot")
    program = home.start()
    try:
        said = [home.run("webhook", "keyring", name) for name in names]
        assert said[0] == "inline: address and key are in the keyring now\n"
        for name in ("redirected", "tls", "mail", "odd-mail"):
            home.run("webhook", "keyring", name)
        config = home.config.read_text()
        assert config.count("url_keyring") == len(names) + 4
        assert "url_file" not in config
        own = {"secrets/discord", "secrets/call", "secrets/odd"}  # a person has put them there
        assert home.files_with(CANARY) == own
        home.receiver.release.set()
    finally:
        program.terminate()
        program.wait(30)
    program = home.start()
    try:
        for name in names:
            assert "answered 200" in home.run("webhook", "test", name), name
        assert "it holds the secrets of" in home.run("doctor")
        assert "a file that only you can read" in home.run("webhook", "file", "bot")
        assert "answered 200" in home.run("webhook", "test", "bot")
        lock(desktop)
        locked = home.run("webhook", "test", "inline")
        assert "its address or key cannot be read: the keyring is locked" in locked
        assert "the keyring is locked; inline, " in home.run("doctor")
        assert "the keyring is locked" in home.run("webhook", "file", "inline")
        assert CANARY.encode() not in home.output.read_bytes()
    finally:
        program.terminate()
        program.wait(30)
