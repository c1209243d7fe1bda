"""``[[server]]`` in the settings file."""

from pathlib import Path

import pytest

from omnitray.settings.continuity import carry_over
from omnitray.settings.faults import Problem
from omnitray.settings.file import NO_FILE, Loaded, load, parse, save_server
from omnitray.settings.servers import CommandHealth, ServerFault, server_of_table

WHOLE = """
mode = "dev"
[[server]]
name = "api"
command = ["uvicorn", "shop.main:app", "--port", "8000"]
cwd = "~/shop"
env = { DEBUG = "1" }
health = "http://127.0.0.1:8000/health"
watch_only = false
autostart = true
restart = "always"
start_limit_s = 60
[[server]]
name = "db"
command = "pg_ctl start -D 'my data'"
health = { command = ["pg_isready"] }
"""


def test_all_fields_of_a_server_are_read() -> None:
    loaded = parse(WHOLE)
    assert loaded.problems == ()
    api, db = loaded.servers
    assert (api.name, api.command[0], api.cwd, api.env) == (
        "api",
        "uvicorn",
        "~/shop",
        {"DEBUG": "1"},
    )
    assert (api.autostart, api.restart, api.start_limit_s) == (True, "always", 60)
    assert db.command == ("pg_ctl", "start", "-D", "my data")
    assert db.health == CommandHealth(command=("pg_isready",))


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('name = "Api"\ncommand = "x"', "name"),
        ('name = "a"\ncommand = "x"\nhealt = ""', "healt"),
        ('name = "a"', "command"),
        ('name = "a"\ncommand = "x \'y"', "command"),
        ('name = "a"\ncommand = "x"\nhealth = "127.0.0.1:80"', "health"),
        ('name = "a"\ncommand = "x"\nhealth = "tcp://127.0.0.1"', "health"),
        ('name = "a"\ncommand = "x"\nhealth = "http://127.0.0.1:70000/"', "health"),
        ('name = "a"\ncommand = "x"\nrestart = "sometimes"', "restart"),
        ('name = "a"\ncommand = "x"\nstart_limit_s = 0', "start_limit_s"),
        ('name = "a"\ncommand = "x"\nenv = { A = 1 }', "env"),
        ('name = "a"\nwatch_only = true', "health"),
    ],
)
def test_a_server_that_cannot_be_used_is_named_with_its_line(line: str, key: str) -> None:
    loaded = parse(f'[[server]]\nname = "good"\ncommand = "x"\n[[server]]\n{line}\n')
    assert [each.name for each in loaded.servers] == ["good"]
    (problem,) = loaded.problems
    fields = [each.partition(" ")[0] for each in line.splitlines()]
    at = 5 + fields.index(key) if key in fields else 4
    assert (problem.key, problem.line) == (f"server.{key}", at)


def test_two_of_one_name_are_one() -> None:
    loaded = parse('[[server]]\nname = "a"\ncommand = "x"\n' * 2)
    assert len(loaded.servers) == 1
    assert "no other server" in loaded.problems[0].sentence


def test_a_server_is_added_and_changed_beside_what_stands_there(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('# mine\nmode = "test"\n')
    saved = save_server(file, {"name": "api", "command": ["serve"], "cwd": "~/shop"})
    assert isinstance(saved, Loaded)
    assert saved.servers[0].command == ("serve",)
    changed = save_server(file, {"name": "api", "watch_only": True, "health": "tcp://127.0.0.1:1"})
    assert isinstance(changed, Loaded)
    assert [(each.name, each.watch_only) for each in changed.servers] == [("api", True)]
    assert file.read_text().startswith('# mine\nmode = "test"\n')
    before = file.read_bytes()
    assert isinstance(save_server(file, {"name": "B C", "command": ["x"]}), Problem)
    assert file.read_bytes() == before


def test_a_file_that_vanishes_or_breaks_stops_no_server(tmp_path: Path) -> None:
    before = parse(WHOLE)
    assert carry_over(load(tmp_path / "none.toml"), before).servers == before.servers
    broken = parse("[[server]\n")
    assert broken.stamp == NO_FILE
    assert carry_over(broken, before).servers == before.servers


def test_a_fault_says_what_is_allowed() -> None:
    with pytest.raises(ServerFault, match=r"^restart: one of always, on-failure, never$") as wrong:
        server_of_table({"name": "a", "command": "y", "restart": "sometimes"})
    assert wrong.value.found == "sometimes"
    with pytest.raises(ServerFault, match="1 to 40"):
        server_of_table({"name": "x" * 41, "command": "y"})
