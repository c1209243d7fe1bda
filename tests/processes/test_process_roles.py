import pytest

from omnitray.base.facts import ProcessFacts
from omnitray.processes.process_roles import Role, role_of, waits_for_a_person


def process(name: str, pid: int = 50, ppid: int = 1, rss: int = 4096, state: str = "S") -> Role:
    return role_of(
        ProcessFacts(pid=pid, ppid=ppid, start_ticks=1, name=name, state=state, rss_bytes=rss)
    )


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("bash", Role.SHELL),
        ("gnome-terminal-", Role.TERMINAL),
        ("tmux: server", Role.TERMINAL),
        ("sshd-session", Role.TERMINAL),
        ("gnome-shell", Role.DESKTOP),
        ("containerd-shim", Role.HOST),
        ("python3", Role.PLAIN),
    ],
)
def test_a_name_tells_the_role(name: str, role: Role) -> None:
    assert process(name) is role


def test_the_first_process_is_a_host_whatever_it_is_called() -> None:
    assert process("bash", pid=1, ppid=0) is Role.HOST


def test_threads_of_the_kernel_have_no_memory_and_the_second_process_above_them() -> None:
    assert process("kworker/0:1", ppid=2, rss=0) is Role.KERNEL
    assert process("kthreadd", pid=2, ppid=0, rss=0) is Role.KERNEL
    assert process("bash", pid=2, ppid=1) is Role.SHELL  # in a container
    assert process("bash", pid=9, ppid=2, rss=0, state="Z") is Role.SHELL


@pytest.mark.parametrize(
    ("arguments", "waits"),
    [
        (("bash",), True),
        (("-bash",), True),
        (("bash", "-i", "-l"), True),
        (("bash", "--rcfile", "x"), True),
        (("zsh", "-o", "extendedglob"), True),
        (("bash", "/dev/fd/3"), True),
        (("bash", "-s", "word"), True),
        (("fish", "-C", "set -x A b"), True),
        (("/usr/bin/nu", "-e", "cd shop"), True),
        (("fish", "-c", "make"), False),
        (None, True),
        (("bash", "build.sh"), False),
        (("bash", "-c", "make"), False),
        (("bash", "-lc", "make"), False),
        (("sh", "-e", "x.sh"), False),
    ],
)
def test_a_shell_with_a_script_does_not_wait_for_a_person(
    arguments: tuple[str, ...] | None, *, waits: bool
) -> None:
    assert waits_for_a_person(arguments) is waits
