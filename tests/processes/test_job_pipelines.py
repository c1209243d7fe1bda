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


def test_only_what_we_lead_is_called_by_our_name(desk: Desk) -> None:
    ours = desk.table.typed("python3 /v/bin/omnitray actions", desk.shell)
    desk.table.start("head", desk.shell, group=ours)
    copy = desk.table.typed("bash", desk.shell)
    desk.table.start("python3 /v/bin/omnitray actions", copy)
    line = desk.table.start(
        ["bash", "-c", "omnitray actions | head"], desk.manager, group=900, session=900, pid=900
    )
    assert desk.job_of(ours).name == "OmniTray"
    assert (desk.job_of(copy).name, desk.job_of(copy).kind) == ("omnitray", JobKind.COMMAND)
    assert desk.job_of(line).name == "omnitray"
