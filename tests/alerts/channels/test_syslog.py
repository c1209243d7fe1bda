import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from omnitray.alerts.channels.syslog import NoSyslogError, SyslogChannel
from omnitray.alerts.decision import Decision, Reason
from omnitray.alerts.model import Alert
from omnitray.base.facts import Severity
from support.alerting import an_alert


def decision_for(alert: Alert) -> Decision:
    return Decision(reason=Reason.NEW, alert_id=alert.id, fingerprint=alert.fingerprint, at=0.0)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    address = str(tmp_path / "log")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.settimeout(10)
        listener.bind(address)
        yield address, listener


def test_an_alert_is_one_line_with_its_level(service: tuple[str, socket.socket]) -> None:
    address, listener = service
    channel = SyslogChannel((address,))
    alert = an_alert(7, severity=Severity.CRITICAL, title="broken", message="it\nis", count=3)
    channel.send(alert, decision_for(alert))
    line = listener.recv(4096).decode()
    assert line.startswith("<10>omnitray[")
    assert line.endswith(f"broken (pytest, 3 times, {alert.id}): it is")
    channel.close()


def test_it_connects_anew_when_the_service_was_restarted(tmp_path: Path) -> None:
    address = str(tmp_path / "log")
    channel = SyslogChannel((str(tmp_path / "absent"), address))
    for number in range(2):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.settimeout(10)
            listener.bind(address)
            channel.send(an_alert(number), decision_for(an_alert(number)))
            assert f"test number {number}" in listener.recv(4096).decode()
        Path(address).unlink()
    assert not channel.is_there()
    with pytest.raises(NoSyslogError):
        channel.send(an_alert(3), decision_for(an_alert(3)))


def test_a_stream_service_gets_lines(tmp_path: Path) -> None:
    address = str(tmp_path / "log")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.settimeout(10)
        listener.bind(address)
        listener.listen()
        channel = SyslogChannel((address,))
        channel.send(an_alert(1), decision_for(an_alert(1)))
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(4096).endswith(b"\n")
        channel.close()


def test_hostile_text_stays_one_short_line(service: tuple[str, socket.socket]) -> None:
    address, listener = service
    channel = SyslogChannel((address,))
    alert = an_alert(1, title="a\r\nb\x1b[31m\u2028c\udc80" + "ü" * 5000, message="\x00")
    channel.send(alert, decision_for(alert))
    data = listener.recv(1 << 16)
    assert len(data) <= 1024
    assert data.decode().isprintable()
    channel.close()


def test_a_service_that_goes_between_two_alerts_is_an_error(
    service: tuple[str, socket.socket],
) -> None:
    address, listener = service
    channel = SyslogChannel((address,))
    channel.send(an_alert(1), decision_for(an_alert(1)))
    listener.close()
    with pytest.raises(NoSyslogError):
        channel.send(an_alert(2), decision_for(an_alert(2)))
    assert not channel.is_there()
    channel.close()
