"""The recipe "Add a channel" of CONTRIBUTING, followed to the letter."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from omnitray.alerts.channels.deliveries import DeliveryState
from omnitray.alerts.channels.dispatch import Dispatcher
from omnitray.alerts.channels.registry import Audience, ChannelEntry
from omnitray.alerts.decision import Decision, Reason
from omnitray.alerts.storage.history import History
from omnitray.alerts.storage.store import AlertStore
from support.alerting import an_alert, channel_parts
from support.clock import FakeClock
from support.recipes import code_of


def test_a_channel_is_one_file_and_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, line = code_of("Add a channel")
    module = ModuleType("omnitray.alerts.channels.bell")
    exec(compile(file, "bell.py", "exec"), module.__dict__)  # noqa: S102 - of our own guide
    monkeypatch.setitem(sys.modules, module.__name__, module)
    names = {"ChannelEntry": ChannelEntry, "Audience": Audience}
    (entry,) = eval(f"({line.strip()})", names)  # noqa: S307 - of our own guide
    clock = FakeClock()
    dispatcher = Dispatcher(AlertStore(History(tmp_path / "alerts", clock), clock), {}, clock)
    dispatcher.open(channel_parts(tmp_path, clock, dispatcher.deliveries), (entry,))
    assert dispatcher.channels() == {"file", "bell"}
    alert = an_alert(1, title="it burns")
    decision = Decision(
        reason=Reason.NEW,
        alert_id=alert.id,
        fingerprint=alert.fingerprint,
        at=0.0,
        channels=("bell",),
        notify=True,
        title="it burns",
    )
    dispatcher.submit(alert, decision)
    assert dispatcher.close()
    assert (tmp_path / "bell").read_text() == f"{alert.severity}: it burns\n"
    (delivery,) = dispatcher.deliveries.of(alert.id)
    assert (delivery.channel, delivery.state) == ("bell", DeliveryState.DELIVERED)
