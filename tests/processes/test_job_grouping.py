from pathlib import Path

import pytest

from omnitray.base.facts import JobKind
from omnitray.processes.jobs import JobTracker
from support.clock import FakeClock
from support.processes import FakeProcesses
from support.session import USER, Desk, pids


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_test_run_is_named_with_its_project_and_holds_its_workers(desk: Desk) -> None:
    run = desk.table.typed(
        "python3 /v/bin/pytest -n 3", desk.shell, name="pytest", cwd=str(desk.shop / "tests")
    )
    workers = [
        desk.table.start(["python3", "-c", "from execnet.gateway_base import *"], run)
        for _ in range(3)
    ]
    job = desk.jobs()["pytest · ~/shop"]
    assert job.kind is JobKind.TEST_RUN
    assert job.leader_pid == run
    assert pids(job) == {run, *workers}


def test_neither_shell_nor_terminal_belong_to_what_is_typed_into_them(desk: Desk) -> None:
    desk.table.typed("cargo build", desk.shell)
    terminal = desk.jobs()["GNOME Terminal"]
    assert terminal.kind is JobKind.APP
    assert pids(terminal) == {desk.terminal, desk.shell}


def test_two_commands_of_one_shell_are_two_jobs_and_a_pipeline_is_one(desk: Desk) -> None:
    build = desk.table.typed("make -j8", desk.shell)
    cat = desk.table.typed("cat log", desk.shell)
    grep = desk.table.start("grep x", desk.shell, group=cat)
    jobs = desk.jobs()
    assert pids(jobs["make · ~/shop"]) == {build}
    assert pids(jobs["cat · ~/shop"]) == {cat, grep}


def test_a_script_and_what_it_calls_are_one_job(desk: Desk) -> None:
    script = desk.table.typed("bash ./deploy.sh", desk.shell)
    inner = desk.table.start("pytest", script)
    assert pids(desk.jobs()["deploy.sh · ~/shop"]) == {script, inner}


def test_a_copy_of_the_shell_for_a_part_of_a_line_is_named_by_what_it_does(desk: Desk) -> None:
    copy = desk.table.typed("bash", desk.shell)
    make = desk.table.start("make", copy)
    assert pids(desk.jobs()["make · ~/shop"]) == {copy, make}


def test_commands_in_a_pane_of_tmux_are_jobs(desk: Desk) -> None:
    server = desk.table.start("tmux", desk.manager, name="tmux: server")
    pane = desk.table.shell(server, tty=34820, cwd=str(desk.shop))
    direct = desk.table.start("htop", server, session=150, group=150, tty=34821, pid=150)
    run = desk.table.typed("npm test", pane)
    jobs = desk.jobs()
    assert pids(jobs["tmux"]) == {server, pane}
    assert pids(jobs["npm test · ~/shop"]) == {run}
    assert direct in pids(desk.job_of(direct))
    assert desk.job_of(direct).name == "htop"


def test_an_application_is_its_scope_with_all_that_detached_itself(desk: Desk) -> None:
    scope = f"{USER}/app.slice/app-gnome-firefox-4321.scope"
    browser = desk.table.start("/usr/lib/firefox/firefox", desk.desktop, cgroup=scope)
    tab = desk.table.start("firefox -contentproc", browser, name="Web Content")
    loose = desk.table.start("crashhelper", desk.manager, cgroup=scope)
    job = desk.jobs()["Firefox"]
    assert job.kind is JobKind.APP
    assert pids(job) == {browser, tab, loose}
    assert job.cgroup == scope
    assert job.project is None


@pytest.mark.parametrize(
    ("unit", "title"),
    [
        ("app-flatpak-org.mozilla.firefox-1234.scope", "Firefox"),
        ("snap.firefox.firefox-0a1b2c3d-1111-2222-3333-444455556666.scope", "Firefox"),
        ("app-org.gnome.Nautilus@abcd.service", "Files"),
        ("app-org.kde.kcalc-8f.scope", "Kcalc"),
        (r"app-gnome-my\x2deditor-77.scope", "My editor"),
    ],
)
def test_units_of_applications_are_read(desk: Desk, unit: str, title: str) -> None:
    desk.table.start("whatever", desk.manager, cgroup=f"{USER}/app.slice/{unit}")
    assert desk.jobs()[title].kind is JobKind.APP


def test_the_scope_of_a_terminal_is_split_by_command(desk: Desk) -> None:
    scope = f"{USER}/app.slice/app-org.kde.konsole-99.scope"
    konsole = desk.table.start("konsole", desk.desktop, cgroup=scope)
    shell = desk.table.shell(konsole, tty=34900, cwd=str(desk.shop))
    train = desk.table.typed("python train.py", shell)
    loose = desk.table.start("python worker.py", desk.manager, cgroup=scope, cwd=str(desk.shop))
    jobs = desk.jobs()
    assert pids(jobs["Konsole"]) == {konsole, shell}
    assert pids(jobs["python train.py · ~/shop"]) == {train}
    assert desk.job_of(loose).name == "python worker.py"


def test_a_service_is_named_by_its_unit(desk: Desk) -> None:
    desk.table.start("postgres -D x", cgroup="/system.slice/postgresql.service")
    job = desk.jobs()["postgresql"]
    assert job.kind is JobKind.SERVICE


def test_a_program_that_a_panel_starts_without_a_scope_is_its_own_job(desk: Desk) -> None:
    panel = desk.table.start("xfce4-panel", desk.manager, cgroup="/user.slice/session-2.scope")
    editor = desk.table.start("mousepad x", panel)
    other = desk.table.start("ristretto y", panel)
    jobs = desk.jobs()
    assert pids(jobs["mousepad"]) == {editor}
    assert pids(jobs["ristretto"]) == {other}
    assert jobs["mousepad"].kind is JobKind.APP


def test_what_an_agent_tests_is_a_job_of_its_own_and_the_agent_another(desk: Desk) -> None:
    agent = desk.table.typed("node /usr/bin/claude", desk.shell, name="claude")
    call = desk.table.start(["bash", "-c", "cd x && pytest"], agent, group=500, session=500)
    run = desk.table.start("python -m pytest", call, name="python")
    worker = desk.table.start(["python", "-c", "x"], run)
    helper = desk.table.start("rg needle", call)
    jobs = desk.jobs()
    assert pids(jobs["agent · pytest · ~/shop"]) == {run, worker}
    assert pids(jobs["Claude Code · ~/shop"]) == {agent, call, helper}
    assert jobs["Claude Code · ~/shop"].kind is JobKind.AGENT


def test_what_an_agents_shell_puts_into_a_group_is_named_as_the_agents(desk: Desk) -> None:
    agent = desk.table.typed("node /usr/bin/claude", desk.shell, name="claude")
    inner = desk.table.start("bash", agent)
    make = desk.table.typed("make -j4", inner)
    assert pids(desk.jobs()["agent · make · ~/shop"]) == {make}


@pytest.mark.parametrize(
    "own", ["/v/bin/omnitray", "python3 /v/bin/omnitray", "python -m omnitray"]
)
def test_a_run_with_a_budget_is_a_job_whoever_starts_it(desk: Desk, own: str) -> None:
    agent = desk.table.typed("node /usr/bin/claude", desk.shell, name="claude")
    comm = "python3" if own.startswith("python") else "omnitray"
    run = desk.table.start(f"{own} run --memory 4G -- ./train.sh --fast", agent, name=comm)
    train = desk.table.start("bash ./train.sh --fast", run, group=900, session=900)
    named = desk.table.start(f"{own} run --name nightly make", agent, name=comm)
    jobs = desk.jobs()
    assert pids(jobs["agent · train.sh · ~/shop"]) == {run, train}
    assert pids(jobs["agent · nightly · ~/shop"]) == {named}
    assert jobs["agent · nightly · ~/shop"].kind is JobKind.BUILD


def test_a_run_that_is_typed_is_named_by_its_command(desk: Desk) -> None:
    run = desk.table.typed("python3 /v/bin/omnitray run -- pytest -x", desk.shell, name="omnitray")
    child = desk.table.start("python3 /v/bin/pytest -x", run)
    job = desk.jobs()["pytest · ~/shop"]
    assert (job.kind, pids(job)) == (JobKind.TEST_RUN, {run, child})


def test_a_build_that_an_editor_starts_is_not_the_editor(desk: Desk) -> None:
    scope = f"{USER}/app.slice/app-gnome-code-55.scope"
    code = desk.table.start("/usr/share/code/code", desk.desktop, cgroup=scope)
    server = desk.table.start("rust-analyzer", code)
    check = desk.table.start("cargo check", server)
    panel = desk.table.shell(code, tty=34950)
    typed = desk.table.typed("make", panel)
    jobs = desk.jobs()
    assert pids(jobs["VS Code"]) == {code, server, panel}
    assert pids(desk.job_of(check)) == {check}
    assert pids(desk.job_of(typed)) == {typed}


def test_a_worker_whose_parent_has_gone_stays_in_its_job(desk: Desk) -> None:
    run = desk.table.typed("pytest", desk.shell)
    worker = desk.table.start(["python", "-c", "x"], run)
    key = desk.jobs()["pytest · ~/shop"].key
    desk.table.end(run, reaper=desk.manager)
    job = desk.jobs()["pytest · ~/shop"]
    assert (job.key, pids(job), job.leader_pid) == (key, {worker}, worker)


def test_an_orphan_stays_in_its_job_whoever_takes_it_up(desk: Desk) -> None:
    runner = desk.table.typed("python runner.py", desk.shell)
    run = desk.table.typed("pytest", desk.shell)
    worker = desk.table.start(["python", "-c", "x"], run)
    desk.jobs()
    desk.table.end(run, reaper=runner)
    for _ in range(3):
        assert pids(desk.jobs()["pytest · ~/shop"]) == {worker}


def test_an_orphan_that_was_never_seen_before_joins_its_process_group(desk: Desk) -> None:
    run = desk.table.typed("pytest", desk.shell)
    worker = desk.table.start(["python", "-c", "x"], run)
    late = desk.table.start(["python", "-c", "y"], desk.manager, group=run, session=desk.shell)
    assert pids(desk.jobs()["pytest · ~/shop"]) == {run, worker, late}


def test_a_session_of_its_own_is_a_job(desk: Desk) -> None:
    train = desk.table.start("python train.py", desk.manager, pid=700, session=700, group=700)
    more = desk.table.start("python train.py", train)
    job = desk.job_of(train)
    assert job.name == "python train.py"
    assert pids(job) == {train, more}


def test_kernel_threads_are_one_job_and_init_another(desk: Desk) -> None:
    desk.table.start("kthreadd", 0, pid=2, rss_bytes=0)
    desk.table.start("kworker/0:1", 2, rss_bytes=0)
    jobs = desk.jobs()
    assert len(jobs["Kernel"].processes) == 2
    assert pids(jobs["System"]) == {1, desk.manager}
    assert jobs["org.gnome.Shell"].kind is JobKind.SYSTEM


def test_a_zombie_stays_with_its_parent(desk: Desk) -> None:
    run = desk.table.typed("make", desk.shell)
    zombie = desk.table.start("cc1", run, state="Z", rss_bytes=0)
    assert zombie in pids(desk.jobs()["make · ~/shop"])


def test_a_job_takes_the_name_of_the_program_that_replaces_the_shell(desk: Desk) -> None:
    run = desk.table.typed("bash", desk.shell)
    before = desk.jobs()
    desk.table.execute(run, "cargo test")
    after = desk.jobs()["cargo test · ~/shop"]
    assert after.key == before["bash · ~/shop"].key
    assert after.kind is JobKind.TEST_RUN


def test_a_run_that_was_first_seen_as_what_executes_it_keeps_its_workers(desk: Desk) -> None:
    run = desk.table.start("python -c starter", desk.manager)
    desk.jobs()
    desk.table.execute(run, "python /venv/bin/pytest -n 2")
    workers = {desk.table.start("python /venv/bin/pytest -n 2", run) for _ in range(2)}
    for _ in range(2):
        jobs = desk.jobs()
    (job,) = (each for each in jobs.values() if run in pids(each))
    assert (job.name, job.kind) == ("pytest", JobKind.TEST_RUN)
    assert pids(job) == {run, *workers}


def test_the_unit_of_an_application_is_noticed_when_it_has_settled(desk: Desk) -> None:
    app = desk.table.start("gimp", desk.desktop)
    assert desk.job_of(app).cgroup is None
    desk.table.move(app, f"{USER}/app.slice/app-gnome-gimp-9.scope")
    for _ in range(6):
        job = desk.job_of(app)
    assert job.cgroup is not None
    assert job.name == "GIMP"


def test_a_container_whose_first_process_is_anything_has_jobs(tmp_path: Path) -> None:
    table = FakeProcesses()
    table.execute(1, "sleep infinity")
    run = table.start("pytest", 0, tty=34816)
    tracker = JobTracker(table, FakeClock(), tmp_path)
    jobs = {job.name: job for job in tracker.update(table.scan())}
    assert pids(jobs["pytest"]) == {run}
