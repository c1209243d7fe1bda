"""The doctor's look at the channels: what the running instance says of each.

Desktop notifications, the log service and the history have checks of their own, which need no
running instance.
"""

from collections.abc import Iterator

from omnitray.api.channel_calls import ChannelBody, ChannelsBody
from omnitray.base.facts import AlertChannel
from omnitray.base.paths import Paths
from omnitray.cli.doctor.report import Finding, ok, warn
from omnitray.client.http import NotRunning, RequestFailed, find_remote

_REMEDIES: dict[str, str] = {
    AlertChannel.DESKTOP: "see the findings on notifications",
    AlertChannel.FILE: "see the findings on the data folder",
    AlertChannel.SYSLOG: "start systemd-journald or a syslog daemon, then OmniTray again",
}


def channels(paths: Paths) -> Iterator[Finding]:
    """One line a channel, while an instance runs."""
    try:
        body = find_remote(paths).get("/channels", ChannelsBody)
    except (NotRunning, RequestFailed):
        return  # the instance has a finding of its own
    for each in body.channels:
        yield _finding(each)


def _finding(channel: ChannelBody) -> Finding:
    topic = f"channel {channel.name}"
    remedy = _REMEDIES.get(channel.name, "see the log")
    waits = f"; {channel.waiting} wait" if channel.waiting else ""
    if channel.fault:
        return warn(topic, f"{channel.fault}{waits}", remedy)
    if channel.clients is not None:
        return ok(topic, f"{channel.clients} listening" if channel.clients else "nobody listens")
    if not channel.open:
        return warn(topic, "this machine has nothing for it", remedy)
    if channel.latest is not None:
        return ok(topic, f"{channel.latest.state} {channel.latest.at}{waits}")
    return ok(topic, f"open, nothing sent so far{waits}")
