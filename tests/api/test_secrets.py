"""The token and the file it stands in; ports, TLS, other users of the machine."""

import logging
import os
import pwd
import shutil
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from omnitray.api import listener
from omnitray.api.server import ApiServer
from omnitray.client.discovery import read_address, remove_address, write_address
from omnitray.settings.model import ApiSettings
from support.api_calls import SOCKET, STATUS, bearer, get
from support.api_server import Running, running
from support.fake_door import FakeDoor
from support.raw_http import raw, request


def test_the_address_file_is_private_and_goes_with_the_server(tmp_path: Path) -> None:
    with running(tmp_path) as api:
        assert stat.S_IMODE(api.api_file.stat().st_mode) == 0o600
        assert stat.S_IMODE(api.api_file.parent.stat().st_mode) == 0o700
        assert len(api.address.token) >= 43
        assert "token" not in repr(api.address).replace("Address", "")
    assert not api.api_file.exists()


def test_the_token_is_new_at_each_start(tmp_path: Path) -> None:
    tokens = set()
    for _ in range(3):
        with running(tmp_path) as api:
            tokens.add(api.address.token)
    assert len(tokens) == 3


def test_the_token_reaches_no_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("uvicorn").setLevel(logging.DEBUG)
    with running(tmp_path) as api:
        token = api.address.token
        api.ask("GET", STATUS)
        path = f"/ws?auth_token={token}"
        head = (f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{api.port}", *SOCKET)
        raw(api.port, "\r\n".join((*head, "", "")).encode(), timeout=1.0)
        get(api, f"Authorization: Bearer {token}x")
        get(api, path=f"{STATUS}?auth_token={token}")
        raw(api.port, f"GET /{token} HTTP/1.1\r\nHost : x\r\n\r\n".encode(), timeout=2.0)
    logging.getLogger("uvicorn").setLevel(logging.NOTSET)
    assert token not in caplog.text
    assert token[:12] not in caplog.text


def test_the_token_is_in_no_command_line_and_no_environment(shared: Running) -> None:
    token = shared.address.token.encode()
    for name in ("cmdline", "environ"):
        assert token not in Path(f"/proc/self/{name}").read_bytes()


def test_only_the_one_whose_token_it_holds_takes_the_address_away(tmp_path: Path) -> None:
    with running(tmp_path) as api:
        address, file = api.address, api.api_file
    write_address(file, address)
    remove_address(file, "another")
    assert read_address(file) == address
    remove_address(file, address.token)
    assert not file.exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"url":1}', b"\xff"])
def test_a_damaged_address_counts_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "api.json").write_bytes(content)
    assert read_address(tmp_path / "api.json") is None


def test_a_linked_address_file_is_not_followed(tmp_path: Path) -> None:
    with running(tmp_path / "a") as api:
        (tmp_path / "api.json").symlink_to(api.api_file)
        assert read_address(tmp_path / "api.json") is None


def test_a_taken_port_gives_the_next_free_one(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with running(tmp_path, ApiSettings(port=port)) as api:
            assert api.port != port
            assert api.ask("GET", STATUS).status == 200


def test_switched_off_there_is_no_server(tmp_path: Path) -> None:
    api_file = tmp_path / "run" / "api.json"
    off = ApiServer(FakeDoor(), ApiSettings(enabled=False), api_file)
    off.start()
    assert (off.url, off.problem, off.stop()) == ("", None, True)
    assert not api_file.exists()


def test_open_to_others_without_a_certificate_is_refused() -> None:
    with pytest.raises(OSError, match="no certificate"):
        listener.open_listener(ApiSettings(listen="0.0.0.0", port=0))  # noqa: S104 - that is the point


def test_open_to_others_it_speaks_tls_with_the_same_token(tmp_path: Path) -> None:
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    subject = ("-subj", "/CN=omnitray", "-days", "1", "-nodes")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048"),
            *subject,
            "-keyout",
            str(key),
            "-out",
            str(certificate),
        ],
        check=True,
        capture_output=True,
    )
    settings = ApiSettings(
        port=0,
        listen="0.0.0.0",  # noqa: S104 - that is the point
        certificate=str(certificate),
        key=str(key),
    )
    with running(tmp_path, settings) as api:
        assert api.server.open_to_others
        assert api.address.url.startswith("https://")
        url = f"https://127.0.0.1:{api.port}{STATUS}"
        curl = ["curl", "-s", "--cacert", str(certificate), "--insecure", "-o", "/dev/null"]
        token = ["-H", bearer(api)]
        asked = subprocess.run(
            [*curl, "-w", "%{http_code}", *token, url], capture_output=True, text=True, check=True
        )
        assert asked.stdout == "200"
        plain = raw(api.port, request("GET / HTTP/1.1", f"Host: 127.0.0.1:{api.port}"))
        assert plain.status in (0, 400)


@pytest.fixture
def stranger() -> Iterator[str]:
    if os.getuid() != 0 or not shutil.which("useradd"):
        pytest.skip("only root can make another user")
    name = "omnitray-stranger"
    subprocess.run(["useradd", "--no-create-home", name], check=True)
    yield name
    subprocess.run(["userdel", name], check=True, capture_output=True)


def test_another_user_of_the_machine_gets_nothing(tmp_path: Path, stranger: str) -> None:
    for folder in (tmp_path, *tmp_path.parents):
        if folder != Path("/") and folder.stat().st_uid == os.getuid() and folder != Path("/tmp"):
            folder.chmod(0o755)  # only our own folder protects it
    with running(tmp_path) as api:
        who = pwd.getpwnam(stranger)
        run = subprocess.run(
            ["cat", str(api.api_file)],
            user=who.pw_uid,
            group=who.pw_gid,
            extra_groups=[],
            capture_output=True,
            check=False,
        )
        assert (run.returncode, run.stdout) == (1, b"")
        url = f"http://127.0.0.1:{api.port}{STATUS}"
        asked = subprocess.run(
            ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", url],
            user=who.pw_uid,
            capture_output=True,
            text=True,
            check=True,
        )
        assert asked.stdout == "401"
