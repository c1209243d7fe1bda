"""Who is never acted on."""

import pytest

from omnitray.base.facts import Job, OwnFacts, ProcessDetail, ProcessFacts
from omnitray.protector.exclusions.common import ProgramTables
from omnitray.protector.exclusions.programs import LINUX, MACOS, WINDOWS
from omnitray.protector.exclusions.rules import ExclusionRules
from omnitray.protector.model import ExclusionReason
from support.scenes import UID, facts, job, process


def verdict(
    one: ProcessFacts,
    exe: str | None = "/usr/bin/worker",
    *,
    arguments: tuple[str, ...] = ("worker", "-x"),
    cwd: str | None = None,
    protected: tuple[str, ...] = (),
    programs: ProgramTables = LINUX,
    of: Job | None = None,
    foreground: frozenset[int] = frozenset(),
) -> ExclusionReason | None:
    detail = ProcessDetail(start_ticks=one.start_ticks, exe=exe, arguments=arguments, cwd=cwd)
    seen = facts(
        details={one.pid: detail},
        own=OwnFacts(pids=frozenset({50}), ancestors=frozenset({40}), uid=UID),
        foreground_pids=foreground,
    )
    return ExclusionRules(programs, "/home/me").verdict(one, of or job("run", one), seen, protected)


def test_an_ordinary_process_may_be_chosen() -> None:
    assert verdict(process(100)) is None


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (process(50), ExclusionReason.OURSELVES),
        (process(40), ExclusionReason.ANCESTOR),
        (process(1), ExclusionReason.ANCESTOR),
        (process(100, uid=0), ExclusionReason.OTHER_USER),
        (process(100, uid=None), ExclusionReason.OTHER_USER),
        (process(100, ppid=2, rss_bytes=0), ExclusionReason.KERNEL),
        (process(100, state="Z"), ExclusionReason.DYING),
    ],
)
def test_by_what_the_scan_says(one: ProcessFacts, reason: ExclusionReason) -> None:
    assert verdict(one) is reason


def test_a_watched_server_that_we_have_started_is_no_part_of_us() -> None:
    one = process(50)
    detail = ProcessDetail(start_ticks=one.start_ticks, exe="/usr/bin/uvicorn")
    seen = facts(
        details={50: detail},
        own=OwnFacts(pids=frozenset({50}), uid=UID),
        server_pids=frozenset({50}),
    )
    assert ExclusionRules(LINUX, "/home/me").verdict(one, job("api", one), seen, ()) is None


@pytest.mark.parametrize(
    ("exe", "reason"),
    [
        ("/usr/bin/gnome-shell", ExclusionReason.SESSION),
        ("/usr/bin/dbus-daemon", ExclusionReason.BUS),
        ("/usr/bin/pipewire", ExclusionReason.SOUND),
        ("/usr/bin/ibus-daemon", ExclusionReason.INPUT),
        ("/usr/libexec/gnome-terminal-server", ExclusionReason.TERMINAL),
        ("/usr/share/code/code", ExclusionReason.EDITOR),
        ("/usr/share/code/code (deleted)", ExclusionReason.EDITOR),
        ("/home/me/.vscode-server/bin/1/node", ExclusionReason.EDITOR),
        ("/usr/lib/code-server/lib/node", ExclusionReason.EDITOR),
        ("/opt/openvscode-server-v1.98.2-linux-x64/node", ExclusionReason.EDITOR),
        ("/opt/pycharm/jbr/bin/java", ExclusionReason.EDITOR),
        ("/home/me/.local/bin/claude", ExclusionReason.AGENT),
        ("/usr/bin/dpkg", ExclusionReason.PACKAGES),
        ("/usr/lib/postgresql/15/bin/postgres", ExclusionReason.DATABASE),
        ("/usr/sbin/openvpn", ExclusionReason.VPN),
        ("/usr/bin/restic", ExclusionReason.BACKUP),
        ("/usr/bin/earlyoom", ExclusionReason.GUARDIAN),
        # as Debian, Fedora, Arch, NixOS, snap, flatpak and Homebrew really lay them down
        ("/usr/bin/vim.basic", ExclusionReason.EDITOR),
        ("/usr/bin/emacs-gtk", ExclusionReason.EDITOR),
        ("/usr/bin/redis-check-rdb", ExclusionReason.DATABASE),
        ("/usr/libexec/gsd-color", ExclusionReason.SESSION),
        ("/usr/lib/gvfs/gvfsd-trash", ExclusionReason.SESSION),
        ("/usr/libexec/at-spi2-registryd", ExclusionReason.BUS),
        ("/usr/libexec/ibus-engine-libpinyin", ExclusionReason.INPUT),
        ("/usr/lib/ibus/ibus-x11", ExclusionReason.INPUT),
        ("/usr/lib/xorg/Xorg", ExclusionReason.SESSION),
        ("/usr/lib/systemd/systemd-executor", ExclusionReason.SESSION),
        ("/usr/libexec/xdg-desktop-portal-hyprland", ExclusionReason.SESSION),
        ("/nix/store/0abc-kitty-0.36/bin/.kitty-wrapped", ExclusionReason.TERMINAL),
        ("/nix/store/0abc-emacs-29/bin/.emacs-wrapped_", ExclusionReason.EDITOR),
        ("/nix/store/0abc-gnome-46/libexec/gsd-power", ExclusionReason.SESSION),
        ("/snap/code/170/usr/share/code/code", ExclusionReason.EDITOR),
        ("/app/extra/vscode/code", ExclusionReason.EDITOR),
        ("/tmp/.mount_nvimAb1/usr/bin/nvim", ExclusionReason.EDITOR),
        ("/home/me/.local/share/claude/versions/2.0.14", ExclusionReason.AGENT),
        ("/opt/homebrew/bin/fish", ExclusionReason.SHELL),
    ],
)
def test_by_the_path_of_the_program(exe: str, reason: ExclusionReason) -> None:
    line = (exe.rpartition("/")[2],)
    assert verdict(process(100), exe, arguments=line) is reason


@pytest.mark.parametrize(
    ("exe", "line", "reason"),
    [
        ("/usr/bin/python3.12", "python3 /usr/bin/terminator", ExclusionReason.TERMINAL),
        ("/usr/bin/python3.12", "python3 /usr/bin/dnf upgrade", ExclusionReason.PACKAGES),
        ("/usr/bin/python3.12", "python3 /usr/bin/borg create", ExclusionReason.BACKUP),
        ("/usr/bin/python3.12", "python3 /usr/sbin/nohang --monitor", ExclusionReason.GUARDIAN),
        ("/usr/bin/ruby", "ruby /opt/homebrew/Library/Homebrew/brew.rb", ExclusionReason.PACKAGES),
        (
            "/usr/bin/node",
            "node /usr/lib/node_modules/@anthropic-ai/claude-code/cli.js",
            ExclusionReason.AGENT,
        ),
        (
            "/home/me/.local/share/cursor-agent/versions/1/node",
            "node /home/me/.local/share/cursor-agent/versions/1/index.js",
            ExclusionReason.AGENT,
        ),
        (
            "/usr/lib/jvm/java-21/bin/java",
            "java -Xmx4g org.elasticsearch.bootstrap.Elasticsearch",
            ExclusionReason.DATABASE,
        ),
        (
            "/usr/bin/node",
            "node /home/me/lib/node_modules/code-server/out/node/entry.js --auth none",
            ExclusionReason.EDITOR,
        ),
        (
            "/usr/bin/node",
            "node /usr/lib/code-server/lib/vscode/out/bootstrap-fork --type=extensionHost",
            ExclusionReason.EDITOR,
        ),
        ("/usr/bin/node", "node /home/me/code-server/build.js", None),
        ("/usr/lib/jvm/java-21/bin/java", "java -jar shop.jar", None),
        ("/usr/bin/python3.12", "python3 code.py", None),
        ("/usr/bin/python3.12", "python3 screen.py", None),
        ("/home/me/cosmic-app/target/debug/cosmic-app", "cosmic-app", None),
    ],
)
def test_by_what_an_interpreter_runs(exe: str, line: str, reason: ExclusionReason | None) -> None:
    assert verdict(process(100), exe, arguments=tuple(line.split())) is reason


@pytest.mark.parametrize(
    "exe",
    [
        "/home/me/shop/oracle",
        "/home/me/src/st/st",
        "/home/me/bin/river",
        "/home/me/shop/view",
        "/home/me/init",
        "/tmp/x/gnome-shell",
        "/home/me/.local/bin/postgres",
    ],
)
def test_a_program_of_ones_own_is_not_what_its_name_says(exe: str) -> None:
    assert verdict(process(100), exe, arguments=(exe,)) is None


def test_a_script_of_ones_own_is_not_what_its_name_says() -> None:
    own = ("python3", "/home/me/shop/terminator")
    assert verdict(process(100), "/usr/bin/python3.12", arguments=own) is None


def test_never_by_the_short_name_when_the_path_is_known() -> None:
    assert verdict(process(100, name="gnome-shell"), "/home/me/shop/gnome") is None


def test_without_a_path_it_is_spared_in_any_case() -> None:
    assert verdict(process(100), None) is ExclusionReason.UNKNOWN
    assert verdict(process(100, name="pipewire"), None) is ExclusionReason.SOUND


def test_a_process_that_was_not_there_when_the_details_were_read_is_left_alone() -> None:
    one = process(100)
    seen = facts(details={}, own=OwnFacts(uid=UID))
    assert ExclusionRules(LINUX, "").verdict(one, job("run", one), seen, ()) is (
        ExclusionReason.UNKNOWN
    )


def test_a_detail_of_another_process_with_the_same_pid_counts_for_nothing() -> None:
    one = process(100, start=7)
    seen = facts(
        details={100: ProcessDetail(start_ticks=6, exe="/usr/bin/worker")}, own=OwnFacts(uid=UID)
    )

    spared = ExclusionRules(LINUX, "").verdict(one, job("run", one), seen, ())

    assert spared is ExclusionReason.UNKNOWN


def test_a_shell_counts_while_it_waits_for_a_person() -> None:
    assert verdict(process(100), "/usr/bin/bash", arguments=("bash",)) is ExclusionReason.SHELL
    assert verdict(process(100), "/usr/bin/bash", arguments=("bash", "build.sh")) is None


def test_an_agent_is_told_by_the_script_that_an_interpreter_runs() -> None:
    claude = ("node", "--max-old-space-size=4096", "/usr/lib/node_modules/.bin/claude")
    assert verdict(process(100), "/usr/bin/node", arguments=claude) is ExclusionReason.AGENT
    aider = ("python3", "/home/me/.local/bin/aider.py")
    assert verdict(process(100), "/usr/bin/python3.11", arguments=aider) is ExclusionReason.AGENT
    assert verdict(process(100), "/usr/bin/node", arguments=("node", "jest.js")) is None
    assert verdict(process(100), "/usr/bin/node", arguments=("node",)) is None


@pytest.mark.parametrize(
    ("exe", "line"),
    [
        ("/usr/bin/python3.11", "/v/bin/python /v/bin/omnitray actions"),
        ("/usr/bin/python3.11", "python3 /home/me/.local/bin/omnitray-tray"),
        ("/usr/bin/python3.11", "python3 -X utf8 -W error -m omnitray --headless"),
        ("/usr/bin/python3.11", "python -u -m omnitray.platforms.watchdog_process"),
        ("/usr/bin/python3.11", "python /v/lib/site-packages/omnitray/__main__.py"),
        ("/opt/omnitray/omnitray", "omnitray status"),
        ("/usr/bin/omnitray-tray (deleted)", "omnitray-tray"),
    ],
)
def test_our_own_commands_are_spared_whoever_started_them(exe: str, line: str) -> None:
    spared = verdict(process(100), exe, arguments=tuple(line.split()))
    assert spared is ExclusionReason.OURSELVES


@pytest.mark.parametrize(
    "line",
    [
        "python3",
        "python3 -m",
        "python3 -m pytest omnitray",
        "python3 -m omnitrayish",
        "python3 train.py omnitray",
        "python3 -c omnitray omnitray",
        "python3 /shop/__main__.py",
        "python3 /home/me/omnitray/packaging/dev.py",
    ],
)
def test_what_only_speaks_of_us_is_not_ours(line: str) -> None:
    one = process(100, name="omnitray")
    assert verdict(one, "/usr/bin/python3.11", arguments=tuple(line.split())) is None


def test_a_script_for_a_shell_that_asks_us_may_be_chosen() -> None:
    line = ("bash", "-c", "omnitray actions | head; make")
    assert verdict(process(100), "/usr/bin/bash", arguments=line) is None


def test_what_is_in_the_foreground_is_left_alone() -> None:
    assert verdict(process(100), foreground=frozenset({100})) is ExclusionReason.FOREGROUND


@pytest.mark.parametrize(
    "word",
    [
        "worker",
        "run",
        "/usr/bin/worker",
        "/usr/bin/wor*",
        "wor?er",
        "~/shop",
        "/home/me/shop/",
        "run · ~/shop",
        "~/shop/",
        "./shop/api",
        "shop/api",
        "~/sh*",
        "/home/*/shop",
        "~",
    ],
)
def test_what_the_person_adds(word: str) -> None:
    one = process(100)
    of = job("run", one, project="~/shop")

    assert verdict(one, of=of, cwd="/home/me/shop/api", protected=(word,)) is ExclusionReason.PERSON


def test_a_folder_that_is_a_link_is_told_by_what_it_leads_to() -> None:
    leads = {"/home/me/shop": "/data/shop"}
    protection = ExclusionRules(LINUX, "/home/me", lambda path: leads.get(path, path))
    one = process(100)
    details = {100: ProcessDetail(start_ticks=100, exe="/usr/bin/worker", cwd="/data/shop/api")}
    seen = facts(details=details, own=OwnFacts(uid=UID))

    assert protection.verdict(one, job("run", one), seen, ("~/shop/",)) is ExclusionReason.PERSON
    assert protection.verdict(one, job("run", one), seen, ("~/other",)) is None


def test_a_project_is_told_by_the_job_where_the_folder_is_not_known() -> None:
    one = process(100)

    spared = verdict(one, of=job("run", one, project="~/shop"), protected=("~/shop",))

    assert spared is ExclusionReason.PERSON


def test_what_the_person_adds_protects_nobody_else() -> None:
    words = ("other", "/usr/bin/other", "/opt/*", "~/elsewhere", "~/sho", "", "me/shop", "api")
    one = process(100)

    assert verdict(one, cwd="/home/me/shop", protected=words) is None
    assert verdict(one, None, protected=words) is ExclusionReason.UNKNOWN


def test_macos_has_its_own() -> None:
    dock = "/System/Library/CoreServices/Dock.app/Contents/MacOS/Dock"
    editor = "/Applications/Visual Studio Code.app/Contents/MacOS/Electron"

    assert verdict(process(100), dock, programs=MACOS) is ExclusionReason.SESSION
    assert verdict(process(100), editor, programs=MACOS) is ExclusionReason.EDITOR
    sound = "/usr/sbin/coreaudiod"
    assert verdict(process(100), sound, programs=MACOS) is ExclusionReason.SOUND
    vim = "/Applications/MacVim.app/Contents/MacOS/Vim"
    assert verdict(process(100), vim, programs=MACOS) is ExclusionReason.EDITOR
    python = "/opt/homebrew/bin/python3.12"
    assert verdict(process(100), python, programs=MACOS) is None


def test_windows_folds_case_and_knows_backslashes() -> None:
    shell = "C:\\Windows\\Explorer.EXE"
    java = "C:\\Program Files\\PyCharm\\jbr\\bin\\java.exe"
    server = "D:\\me\\.vscode-server\\bin\\1\\node.exe"

    assert verdict(process(100), shell, programs=WINDOWS) is ExclusionReason.SESSION
    assert verdict(process(100), java, programs=WINDOWS) is ExclusionReason.EDITOR
    assert verdict(process(100), server, programs=WINDOWS) is ExclusionReason.EDITOR
    assert (
        verdict(
            process(100),
            "C:\\shop\\tool.exe",
            cwd="C:\\shop\\api",
            protected=("C:\\shop",),
            programs=WINDOWS,
        )
        is ExclusionReason.PERSON
    )


def test_what_is_known_of_programs_does_not_grow_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("omnitray.protector.exclusions.rules._MOST_KNOWN", 2)
    protection = ExclusionRules(LINUX, "")
    for pid in range(100, 110):
        one = process(pid)
        detail = ProcessDetail(start_ticks=pid, exe=f"/usr/bin/tool{pid}")
        seen = facts(details={pid: detail}, own=OwnFacts(uid=UID))
        assert protection.verdict(one, job("run", one), seen, ()) is None

    assert len(protection._known) <= 2


def test_every_reason_has_a_sentence() -> None:
    assert all(reason.sentence for reason in ExclusionReason)
