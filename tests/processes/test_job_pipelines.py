"""What a pipeline is called: one job, named after the member that says most."""

from pathlib import Path

import pytest

from omnitray.base.facts import JobKind
from support.session import Desk, pids


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_pipeline_is_not_called_by_what_reads_its_end(desk: Desk) -> None:
    copy = desk.table.typed("bash", desk.shell)
    tail = desk.table.start("tail -40", desk.shell, group=copy)
    check = desk.table.start("python3 packaging/dev.py check", copy)
    job = desk.jobs()["python dev.py · ~/shop"]
    assert pids(job) == {copy, tail, check}


@pytest.mark.parametrize(
    ("lines", "name", "kind"),
    [
        (("cat a", "pytest -x"), "pytest", JobKind.TEST_RUN),
        (("python gen.py", "make -f -", "tee log"), "make", JobKind.BUILD),
        (("make", "pytest"), "pytest", JobKind.TEST_RUN),
        (("claude -p x", "python show.py"), "Claude Code", JobKind.AGENT),
        (("jq .", "python show.py"), "python show.py", JobKind.COMMAND),
        (("sleep 5", "timeout -s TERM 9 ffmpeg"), "ffmpeg", JobKind.COMMAND),
        (("cat a", "sort", "head"), "cat", JobKind.COMMAND),
        (("sleep 5",), "sleep", JobKind.COMMAND),
    ],
)
def test_the_member_that_says_most_names_it(
    desk: Desk, lines: tuple[str, ...], name: str, kind: JobKind
) -> None:
    first = desk.table.typed(lines[0], desk.shell)
    others = [desk.table.start(line, desk.shell, group=first) for line in lines[1:]]
    job = desk.job_of(first)
    assert (job.name, job.kind, pids(job)) == (name, kind, {first, *others})


def test_a_name_gets_better_and_never_worse_and_the_key_stays(desk: Desk) -> None:
    copy = desk.table.typed("bash", desk.shell)
    names, keys = [], set()
    for command in ("sleep 5", "jq .", "python a.py", "make", "pytest", "sleep 5"):
        part = desk.table.start(command, copy)
        job = desk.job_of(copy)
        names.append(job.name)
        keys.add(job.key)
        desk.table.end(part)
    assert names == ["sleep", "jq", "python a.py", "make", "pytest", "pytest"]
    assert len(keys) == 1


def test_what_a_member_calls_does_not_name_the_pipeline(desk: Desk) -> None:
    script = desk.table.typed("bash deploy.sh", desk.shell)
    desk.table.start("tee log", desk.shell, group=script)
    desk.table.start("pytest", script)
    assert desk.job_of(script).name == "deploy.sh"


def test_a_command_of_ours_is_called_as_it_was_typed_and_not_by_our_name(desk: Desk) -> None:
    ours = desk.table.typed("python3 /v/bin/omnitray actions", desk.shell)
    desk.table.start("head", desk.shell, group=ours)
    copy = desk.table.typed("bash", desk.shell)
    desk.table.start("python3 /v/bin/omnitray jobs", copy)
    line = desk.table.start(
        ["bash", "-c", "omnitray status | head"], desk.manager, group=900, session=900, pid=900
    )
    for pid, verb in ((ours, "actions"), (copy, "jobs"), (line, "status")):
        assert desk.job_of(pid).name == f"omnitray {verb}"
    assert desk.job_of(copy).kind is JobKind.COMMAND


def test_what_a_script_puts_in_the_background_is_not_called_after_its_last_command(
    desk: Desk,
) -> None:
    # sh -c 'python serve.py & sleep 300': the shell has become its last command.
    last = desk.table.typed("sleep 300", desk.shell)
    server = desk.table.start("python serve.py", last)
    assert desk.job_of(server).name == "python serve.py"
    key = desk.job_of(server).key
    desk.table.end(last)
    assert (desk.job_of(server).name, desk.job_of(server).key) == ("python serve.py", key)


def test_what_outlives_a_helper_that_began_the_job_names_it(desk: Desk) -> None:
    last = desk.table.typed("sleep 300", desk.shell)
    desk.jobs()
    server = desk.table.start("python serve.py", last)
    desk.table.end(last)
    assert desk.job_of(server).name == "python serve.py"


def test_what_outlives_its_script_keeps_the_name_of_the_script(desk: Desk) -> None:
    script = desk.table.typed("bash deploy.sh", desk.shell)
    server = desk.table.start("python serve.py", script)
    desk.jobs()
    desk.table.end(script)
    assert desk.job_of(server).name == "deploy.sh"


@pytest.mark.parametrize("how", ["python3 packaging/dev.py run", "bash start.sh", "make run"])
def test_omnitray_is_called_so_whoever_started_it(tmp_path: Path, how: str) -> None:
    desk = Desk(tmp_path, own_pid=105)
    starter = desk.table.typed(how, desk.shell)
    desk.table.start("python3 -c something", starter, pid=105)
    thread = desk.table.start("cat", 105)
    server = desk.table.start("uvicorn shop:app", 105, pid=790, session=790, group=790)
    jobs = desk.jobs()
    assert pids(jobs["OmniTray"]) == {105, thread}
    assert desk.job_of(starter).name != "OmniTray"
    assert desk.job_of(server).name == "uvicorn"
