"""Who is acted on: a total order that nothing but the figures decides."""

import itertools
import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnitray.base.facts import Job, JobKind, OwnFacts, ProcessDetail, ProtectState, Resource
from omnitray.base.policy import ProtectPolicy
from omnitray.processes.process_roles import Tie
from omnitray.protector.job_workers import tied_reason, worker_key, workers
from omnitray.protector.model import Action, ActionState, EscalationStep, ExclusionReason
from omnitray.protector.protector import ResourceProtector
from omnitray.protector.victims import (
    KIND_WEIGHT,
    VictimChoice,
    choose,
    choose_in,
    job_key,
    part_of,
    ranked,
)
from support.scenes import (
    GB,
    MB,
    UID,
    details,
    facts,
    held,
    job,
    process,
    reading,
    scene,
)
from support.sim_machine import SimMachine
from support.sim_plans import random_run


def chosen(choice: VictimChoice) -> list[int]:
    return [each.pid for each in choice.targets]


def verdicts(choice: VictimChoice) -> dict[str, ExclusionReason | None]:
    return {each.title: each.excluded for each in choice.considered}


def run_with_workers(*sizes: int, kind: JobKind = JobKind.TEST_RUN) -> Job:
    parent = process(100, name="pytest", rss_bytes=80 * MB)
    below = [process(101 + i, ppid=100, rss_bytes=size) for i, size in enumerate(sizes)]
    return job("pytest", parent, *below, kind=kind)


def test_every_kind_of_job_has_its_weight() -> None:
    assert set(KIND_WEIGHT) == set(JobKind)


def test_the_end_takes_the_largest_leaf_and_spares_the_parent() -> None:
    choice = choose(
        scene(facts(run_with_workers(GB, 3 * GB, GB))), Resource.MEMORY, EscalationStep.END
    )

    assert chosen(choice) == [102]
    assert choice.expected_bytes == 3 * GB
    assert verdicts(choice)["pytest"] is None
    assert ExclusionReason.LESS in verdicts(choice).values()


def test_as_many_are_ended_as_bring_enough_back() -> None:
    many = run_with_workers(*[200 * MB] * 10)

    choice = choose(scene(facts(many)), Resource.MEMORY, EscalationStep.END)

    assert len(choice.targets) == 3  # 3 % of 16 GB


@pytest.mark.parametrize(
    ("sizes", "ended"),
    [
        ((300 * MB, *[14 * MB] * 7), 1),  # the rest counts for nothing beside the first
        ((14 * MB,) * 8, 1),  # spread evenly: one, and then it is waited for
        ((90 * MB,) * 40, 1),  # likewise, though together they are much
        ((300 * MB, 200 * MB, 200 * MB, 200 * MB), 2),
        ((300 * MB, 200 * MB), 1),  # never all workers of a run
        ((400 * MB, 190 * MB, 190 * MB, 190 * MB), 1),
    ],
)
def test_further_workers_are_ended_only_where_each_counts(
    sizes: tuple[int, ...], ended: int
) -> None:
    choice = choose(scene(facts(run_with_workers(*sizes))), Resource.MEMORY, EscalationStep.END)

    assert len(choice.targets) == ended


def test_a_small_machine_loses_one_worker_at_a_time() -> None:
    run = run_with_workers(25 * MB, *[14 * MB] * 7)
    small = reading(used=96.0, total=GB)

    assert chosen(choose(scene(facts(run, at=small)), Resource.MEMORY, EscalationStep.END)) == [101]


def test_a_parent_beside_small_helpers_is_the_worker_itself() -> None:
    model = process(100, rss_bytes=8 * GB)
    tracker = process(101, ppid=100, rss_bytes=20 * MB)

    choice = choose(scene(facts(job("train", model, tracker))), Resource.MEMORY, EscalationStep.END)

    assert chosen(choice)[0] == 100


def test_a_job_above_what_is_protected_is_left_alone() -> None:
    launcher = job("launch", process(100, rss_bytes=4 * GB))
    editor = job("code", process(101, ppid=100, name="code", rss_bytes=GB))
    other = job("other", process(102, rss_bytes=GB))

    choice = choose(scene(facts(launcher, editor, other)), Resource.MEMORY, EscalationStep.END)

    assert chosen(choice) == [102]
    assert verdicts(choice)["launch"] is ExclusionReason.PARENT


def test_a_child_that_has_just_ended_protects_nobody() -> None:
    one = run_with_workers(3 * GB)
    ended = process(105, ppid=101, rss_bytes=0, state="S")
    with_ended = job("pytest", *one.processes, ended, kind=JobKind.TEST_RUN)
    seen = details([with_ended])
    seen[105] = ProcessDetail(start_ticks=105)

    choice = choose(scene(facts(with_ended, details=seen)), Resource.MEMORY, EscalationStep.END)

    assert 101 in chosen(choice)


def test_a_child_that_may_not_be_looked_into_protects_its_parents() -> None:
    one = run_with_workers(3 * GB)
    hidden = process(105, ppid=101, rss_bytes=MB)
    with_hidden = job("pytest", *one.processes, hidden, kind=JobKind.TEST_RUN)
    seen = details([with_hidden])
    seen[105] = ProcessDetail(start_ticks=105, arguments=("ssh-agent",))

    choice = choose(scene(facts(with_hidden, details=seen)), Resource.MEMORY, EscalationStep.END)

    assert choice.job is None


def test_the_leader_of_a_session_of_strangers_is_left_alone() -> None:
    leader = job("login", process(100, session=100, rss_bytes=GB))
    stranger = job("run", process(101, session=100, rss_bytes=GB // 2))

    choice = choose(scene(facts(leader, stranger)), Resource.MEMORY, EscalationStep.END)

    assert chosen(choice) == [101]
    assert verdicts(choice)["login"] is ExclusionReason.LEADER


def test_the_pause_takes_what_grows_and_spares_the_rest() -> None:
    protector = ResourceProtector("t")
    before = run_with_workers(GB, GB, GB)
    after = run_with_workers(GB, GB + 200 * MB, GB)
    policy = ProtectPolicy()
    protector.decide(facts(before, at=reading(100.0)), policy, 100.0)
    seen = facts(after, at=reading(101.0))
    protector.decide(seen, policy, 101.0)

    choice = choose(protector.context(seen, policy, 101.0), Resource.MEMORY, EscalationStep.PAUSE)

    assert chosen(choice) == [102]


def test_what_does_not_grow_is_not_paused() -> None:
    choice = choose(scene(facts(run_with_workers(GB))), Resource.MEMORY, EscalationStep.PAUSE)

    assert choice.job is None
    assert verdicts(choice)["pytest"] is ExclusionReason.STEADY


@pytest.mark.parametrize(
    ("tie", "ended"),
    [
        (Tie.DISPLAY, []),
        (Tie.SOUND, []),
        (Tie.TYPED_INTO, []),
        (Tie.MACHINE, []),
        (Tie.BUS_NAME, [100]),
        (Tie.UNKNOWN, [100]),
    ],
)
def test_what_a_person_would_lose_is_neither_paused_nor_ended(tie: Tie, ended: list[int]) -> None:
    drawing = job("drawing", process(100, rss_bytes=4 * GB), kind=JobKind.APP, growth=50.0 * MB)
    seen = facts(drawing, ties={100: frozenset({tie})})

    pause = choose(scene(seen), Resource.MEMORY, EscalationStep.PAUSE)

    assert pause.job is None
    assert verdicts(pause)["drawing"] is tied_reason({tie})
    assert chosen(choose(scene(seen), Resource.MEMORY, EscalationStep.END)) == ended


def test_for_processors_all_workers_are_paused_and_for_disks_those_that_write() -> None:
    run = run_with_workers(GB, GB)
    busy = job("pytest", *run.processes, kind=JobKind.TEST_RUN, cpu=350.0)
    seen = details([busy])
    seen[102] = ProcessDetail(start_ticks=102, exe="/usr/bin/worker", write_bps=80.0 * MB)
    at = scene(facts(busy, details=seen))

    assert sorted(chosen(choose(at, Resource.CPU, EscalationStep.PAUSE))) == [101, 102]
    assert chosen(choose(at, Resource.DISK, EscalationStep.PAUSE)) == [102]
    assert sorted(chosen(choose(at, Resource.CPU, EscalationStep.SLOW_DOWN))) == [100, 101, 102]


def test_of_two_that_take_processors_the_heavier_is_slowed_whatever_they_are_called() -> None:
    heavy = job("z-hog", process(300), cpu=300.0)
    light = job("a-small", process(90), cpu=90.0)
    choice = choose(scene(facts(light, heavy)), Resource.CPU, EscalationStep.SLOW_DOWN)
    assert choice.job is not None
    assert choice.job.name == "z-hog"


def test_small_takers_are_not_worth_it() -> None:
    little = job("little", process(100), cpu=30.0)

    assert choose(scene(facts(little)), Resource.CPU, EscalationStep.SLOW_DOWN).job is None
    assert choose(scene(facts(little)), Resource.DISK, EscalationStep.SLOW_DOWN).job is None
    assert choose(scene(facts(little)), Resource.MEMORY, EscalationStep.SLOW_DOWN).job is None


@pytest.mark.parametrize("step", [EscalationStep.SLOW_DOWN, EscalationStep.PAUSE])
def test_what_is_ours_alone_is_named_as_ours_and_not_as_held(step: EscalationStep) -> None:
    ours = job("OmniTray", process(50), cpu=400.0)
    seen = scene(facts(ours, own=OwnFacts(pids=frozenset({50}), uid=UID)))
    assert verdicts(choose(seen, Resource.CPU, step)) == {"OmniTray": ExclusionReason.OURSELVES}


def after_scans(*counts: int, kind: JobKind = JobKind.COMMAND, deep: bool) -> VictimChoice:
    """A job with so many processes at each scan, half a second apart; the choice of an end."""
    protector, policy = ResourceProtector("t"), ProtectPolicy(state=ProtectState.WATCH)
    first = process(1000, rss_bytes=40 * MB)
    for number, count in enumerate(counts):
        more = [
            process(1000 + i, ppid=999 + i if deep else 1000, rss_bytes=40 * MB)
            for i in range(1, count)
        ]
        now_s = 100.0 + 0.5 * number
        seen = facts(job("bomb", first, *more, kind=kind), at=reading(now_s, used=90.0))
        protector.decide(seen, policy, now_s)
    context = protector.context(seen, policy, now_s)
    return choose(context, Resource.MEMORY, EscalationStep.END)


def test_a_fork_bomb_is_taken_with_its_parents_and_the_spawner_first() -> None:
    choice = after_scans(10, 40, 80, 150, deep=True)

    assert len(choice.targets) == 150
    assert choice.targets[0].pid == 1000


def test_a_worker_that_goes_wild_is_one_and_neither_its_run_nor_the_other_workers() -> None:
    protector, policy = ResourceProtector("t"), ProtectPolicy(state=ProtectState.WATCH)
    runner = process(1000, name="runner", rss_bytes=40 * MB)
    steady = [process(1001 + i, ppid=1000, rss_bytes=40 * MB) for i in range(4)]
    wild = process(1010, ppid=1000, rss_bytes=40 * MB)
    for number, count in enumerate((0, 20, 60, 140)):
        replaced = process(1900 + number, ppid=1000, rss_bytes=40 * MB)
        children = [
            process(3000 + i, ppid=3000 + i // 2 if i > 1 else 1010, rss_bytes=40 * MB)
            for i in range(count)
        ]
        now_s = 100.0 + 0.5 * number
        run = (runner, *steady, wild, replaced, *children)
        seen = facts(job("shop", *run, kind=JobKind.COMMAND), at=reading(now_s, used=90.0))
        protector.decide(seen, policy, now_s)
    choice = choose(protector.context(seen, policy, now_s), Resource.MEMORY, EscalationStep.END)

    assert choice.targets[0].pid == 1010
    assert {each.pid for each in choice.targets} == {1010} | {3000 + i for i in range(140)}


@pytest.mark.parametrize(
    ("counts", "kind", "deep"),
    [
        ((150,) * 4, JobKind.COMMAND, False),  # a browser with its tabs, as it was all day
        ((1, 150, 150, 150), JobKind.COMMAND, False),  # a prefork server that has just started
        ((10, 40, 80, 150), JobKind.BUILD, True),
        ((10, 40, 80, 150), JobKind.COMMAND, False),  # a session restored within two seconds
    ],
)
def test_many_processes_alone_are_no_fork_bomb(
    counts: tuple[int, ...], kind: JobKind, *, deep: bool
) -> None:
    assert len(after_scans(*counts, kind=kind, deep=deep).targets) <= 8


def test_one_that_goes_on_forking_flatly_is_one_after_three_seconds() -> None:
    assert len(after_scans(*range(10, 110, 10), deep=False).targets) == 100


def test_a_crowd_around_a_large_one_is_no_fork_bomb() -> None:
    crowd = [process(1000 + i, ppid=999, rss_bytes=MB) for i in range(150)]
    mixed = job("server", process(999, rss_bytes=2 * GB), *crowd)

    assert chosen(choose(scene(facts(mixed)), Resource.MEMORY, EscalationStep.END))[0] == 999


def test_what_was_refused_a_moment_ago_is_not_tried_again() -> None:
    run = run_with_workers(3 * GB)
    action = ended(run)
    seen = facts(run, active=(held(action, 99.0, ActionState.FAILED),))

    choice = choose(scene(seen), Resource.MEMORY, EscalationStep.END)

    assert verdicts(choice)["pytest"] is ExclusionReason.REFUSED


def ended(run: Job) -> Action:
    seen = facts(run, at=reading(used=97.0))
    decided = ResourceProtector("t").decide(seen, ProtectPolicy(), 100.0)
    return next(
        each for each in decided if isinstance(each, Action) and each.step is EscalationStep.END
    )


def test_choosing_in_one_job_leaves_the_others_out() -> None:
    one, other = run_with_workers(GB), job("other", process(200, rss_bytes=3 * GB))
    at = scene(facts(one, other))

    assert chosen(choose_in(at, "pytest", Resource.MEMORY, EscalationStep.END)) == [101]
    assert choose_in(at, "gone", Resource.MEMORY, EscalationStep.END).job is None
    protected = scene(facts(one, own=OwnFacts(uid=UID + 1)))
    assert choose_in(protected, "pytest", Resource.MEMORY, EscalationStep.END).job is None


def test_what_is_small_beside_a_window_that_holds_all_is_not_ended_for_it() -> None:
    window = process(101, ppid=1, rss_bytes=5 * GB)
    run = job("app", process(100, rss_bytes=70 * MB), window, kind=JobKind.TEST_RUN)
    seen = facts(run, at=reading(used=98.0), ties={101: frozenset({Tie.DISPLAY})})
    choice = choose(scene(seen), Resource.MEMORY, EscalationStep.END)

    assert choice.job is None
    assert verdicts(choice) == {run.title: ExclusionReason.TIED}


@pytest.mark.parametrize(("seen_for_s", "causes"), [(0.3, {"large"}), (40.0, {"large", "small"})])
def test_a_shortage_older_than_the_first_look_is_not_laid_on_what_holds_little(
    seen_for_s: float, causes: set[str]
) -> None:
    """Seen for a moment only, the small one has grown most; the large one may have, before."""
    protector, policy = ResourceProtector("t"), ProtectPolicy()
    for turn in range(3):
        growth, now_s = turn * 200 * MB, 100.0 + turn * seen_for_s
        large = job("large", process(200, rss_bytes=12 * GB + growth), kind=JobKind.AGENT)
        small = job("small", process(300, rss_bytes=GB + 2 * growth), kind=JobKind.TEST_RUN)
        seen = facts(large, small, at=reading(now_s, used=92.0))
        protector.decide(seen, policy, now_s)

    context = protector.context(seen, policy, now_s)
    assert {each.key for each in (large, small) if context.is_memory_cause(each)} == causes


def test_many_spared_jobs_do_not_make_an_endless_explanation() -> None:
    jobs = [job(f"job{i}", process(100 + i, rss_bytes=MB)) for i in range(40)]

    choice = choose(scene(facts(*jobs)), Resource.MEMORY, EscalationStep.END)

    assert choice.job is None
    assert len(choice.considered) == 8


SIZES = st.lists(st.integers(1, 4000), min_size=1, max_size=12)


@given(SIZES, st.randoms(use_true_random=False))
def test_the_order_is_total_and_does_not_depend_on_the_order_of_the_scan(
    sizes: list[int], rng: random.Random
) -> None:
    parents = [process(100 + 10 * i, rss_bytes=size * MB) for i, size in enumerate(sizes)]
    jobs = [
        job(f"job{i}", each, process(each.pid + 1, ppid=each.pid, rss_bytes=each.rss_bytes))
        for i, each in enumerate(parents)
    ]
    shuffled = [
        job(each.key, *rng.sample(each.processes, 2)) for each in rng.sample(jobs, len(jobs))
    ]
    one, two = scene(facts(*jobs)), scene(facts(*shuffled))

    assert [each.key for each in ranked(one, Resource.MEMORY)] == [
        each.key for each in ranked(two, Resource.MEMORY)
    ]
    for step in (EscalationStep.SLOW_DOWN, EscalationStep.END):
        assert (
            choose(one, Resource.MEMORY, step).targets == choose(two, Resource.MEMORY, step).targets
        )
    keys = [job_key(one, each, Resource.MEMORY) for each in jobs]
    assert len(set(keys)) == len(keys)


@given(SIZES)
def test_no_two_workers_compare_the_same(sizes: list[int]) -> None:
    run = job("run", *(process(100 + i, rss_bytes=size * MB) for i, size in enumerate(sizes)))
    keys = [worker_key(each) for each in workers(scene(facts(run)), run, EscalationStep.END)]

    assert len(set(keys)) == len(keys)
    assert keys == sorted(keys)


@given(st.sets(st.integers(0, 5)), st.permutations(range(6)))
def test_a_protected_process_is_never_named_whatever_the_order(
    protected: set[int], order: list[int]
) -> None:
    names = ["postgres" if i in protected else "worker" for i in range(6)]
    each_alone = [
        job(f"job{i}", process(100 + i, name=names[i], rss_bytes=(i + 1) * GB), growth=60.0 * MB)
        for i in order
    ]
    at = scene(facts(*each_alone))
    for resource, step in itertools.product(
        Resource, (EscalationStep.SLOW_DOWN, EscalationStep.PAUSE, EscalationStep.END)
    ):
        named = chosen(choose(at, resource, step))
        assert not {100 + i for i in protected} & set(named)


@pytest.mark.parametrize("circle", [(100, 101), (101, 100)])
def test_a_circle_of_parents_in_a_damaged_scan_is_survived(circle: tuple[int, int]) -> None:
    one = process(circle[0], ppid=circle[1], rss_bytes=GB)
    two = process(circle[1], ppid=circle[0], rss_bytes=GB)

    choice = choose(scene(facts(job("odd", one, two))), Resource.MEMORY, EscalationStep.SLOW_DOWN)

    assert len(choice.targets) == 2


def test_the_machine_that_is_not_there_can_be_drawn_twice_the_same() -> None:
    def run() -> list[str]:
        return [repr(each) for each in random_run(random.Random("same").randint).levers.done]  # noqa: S311 - no secret

    assert run() == run()
    assert SimMachine().processes == {}


def test_a_watched_server_is_slowed_last_and_ended_after_every_run() -> None:
    server = job("uvicorn", process(300, name="uvicorn", rss_bytes=9 * GB, cpu_percent=400.0),
                 kind=JobKind.SERVICE)  # fmt: skip
    run = run_with_workers(3 * GB)
    told = scene(facts(server, run, server_pids=frozenset({300})))
    assert ranked(told, Resource.CPU)[-1] is server
    choice = choose(told, Resource.MEMORY, EscalationStep.END)
    assert chosen(choice) == [101]
    alone = choose_in(told, server.key, Resource.MEMORY, EscalationStep.END)
    assert alone.job is None
    unwatched = choose(scene(facts(server, run)), Resource.MEMORY, EscalationStep.END)
    assert chosen(unwatched) == [300]


def test_a_run_goes_before_a_watched_server_that_takes_a_little_more() -> None:
    """An equal part is the measure among those of one kind: here it would leave out the run."""
    server = job("uvicorn", process(300, name="uvicorn"), kind=JobKind.SERVICE, cpu=225.0)
    run = job("pytest", process(400, name="pytest"), kind=JobKind.TEST_RUN, cpu=170.0)
    told = scene(facts(server, run, server_pids=frozenset({300})))
    assert choose(told, Resource.CPU, EscalationStep.SLOW_DOWN).job is run


def test_a_watched_server_is_ended_where_no_run_could_be() -> None:
    server = job("uvicorn", process(300, name="uvicorn", rss_bytes=9 * GB), kind=JobKind.SERVICE)
    small = run_with_workers(MB)
    told = scene(facts(server, small, server_pids=frozenset({300})))
    assert chosen(choose(told, Resource.MEMORY, EscalationStep.END)) == [300]


def test_a_test_run_with_a_server_of_its_own_is_a_test_run() -> None:
    run = run_with_workers(3 * GB)
    told = scene(facts(run, server_pids=frozenset({101})))
    assert chosen(choose(told, Resource.MEMORY, EscalationStep.END)) == [101]


def test_a_worker_is_counted_among_workers_and_not_among_what_looks_after_them() -> None:
    """``uvicorn --workers 2`` starts a resource tracker before its first worker."""
    parent = process(1, ppid=9, name="python3", rss_bytes=50 * MB)
    born = [process(pid, ppid=1, name="python3", rss_bytes=GB) for pid in (2, 3, 4)]
    run = job("run", parent, *born)
    looked = details([run])
    tracker = ("python3", "-c", "from multiprocessing.resource_tracker import main;main(8)")
    looked[2] = msgspec.structs.replace(looked[2], arguments=tracker)
    context = scene(facts(run, details=looked))
    assert part_of(context, run, [born[1]]) == "worker 1"
    assert part_of(context, run, [born[2]]) == "worker 2"


@pytest.mark.parametrize(
    ("ties", "reason"),
    [
        ({Tie.TYPED_INTO, Tie.UNKNOWN}, ExclusionReason.TYPED_INTO),
        ({Tie.MACHINE, Tie.DISPLAY}, ExclusionReason.MACHINE),
        ({Tie.DISPLAY}, ExclusionReason.TIED),
        ({Tie.SOUND}, ExclusionReason.TIED),
        ({Tie.BUS_NAME}, ExclusionReason.TIED),
        ({Tie.UNKNOWN}, ExclusionReason.UNSEEN),
    ],
)
def test_what_is_said_of_a_tie_is_true_of_it(ties: set[Tie], reason: ExclusionReason) -> None:
    run = job("run", process(7, rss_bytes=2 * GB))
    context = scene(facts(run, ties={7: frozenset(ties)}))
    (only,) = workers(context, run, EscalationStep.PAUSE)
    assert only.excluded is reason
