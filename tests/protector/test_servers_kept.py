"""The way of a watched server's identity into what the protector decides from."""

from omnitray.base.facts import JobKind, ProcessIdentity
from omnitray.protector.environment import Environment, EnvironmentPorts
from support.scenes import job, process


def test_a_server_is_known_by_pid_and_start_time() -> None:
    server = job("uvicorn", process(300, start=7), kind=JobKind.SERVICE)
    other = job("make", process(301, start=9))

    def servers(pid: int, start: int) -> frozenset[int]:
        ports = EnvironmentPorts(servers=lambda: (ProcessIdentity(pid=pid, start_ticks=start),))
        return Environment(ports).servers((server, other))

    assert servers(300, 7) == {300}
    assert servers(300, 8) == frozenset()  # its pid was given to another
    assert servers(999, 7) == frozenset()
