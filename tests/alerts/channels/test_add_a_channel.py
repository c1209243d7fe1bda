"""The recipe "Add a channel" of CONTRIBUTING, followed to the letter."""

from pathlib import Path
from typing import Any

from omnitray.alerts.channels.dispatch import Dispatcher
from omnitray.alerts.decision import Decision
from omnitray.alerts.reasons import Reason
from omnitray.alerts.storage.history import History
from omnitray.alerts.storage.store import AlertStore
from omnitray.base.facts import AlertChannel
from support.alerting import an_alert
from support.clock import FakeClock
from support.recipes import code_of


def test_a_channel_is_one_class_and_the_line_that_attaches_it(tmp_path: Path) -> None:
    (file,) = code_of("Add a channel")
    written: dict[str, Any] = {"__name__": "bell"}
    exec(compile(file, "bell.py", "exec"), written)  # noqa: S102 - of our own guide
    clock = FakeClock()
    dispatcher = Dispatcher(AlertStore(History(tmp_path / "alerts", clock), clock), {}, clock)
    dispatcher.attach(AlertChannel.SYSLOG, written["BellChannel"](tmp_path / "bell"))
    alert = an_alert(1, title="it burns")
    channels = (AlertChannel.SYSLOG,)
    decision = Decision(
        reason=Reason.NEW,
        alert_id=alert.id,
        fingerprint=alert.fingerprint,
        at=0.0,
        channels=channels,
        notify=True,
        title="it burns",
    )
    dispatcher.submit(alert, decision)
    assert dispatcher.close()
    assert (tmp_path / "bell").read_text() == f"{alert.severity}: it burns\n"
