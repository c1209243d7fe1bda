"""Watched servers as the window shows them: sample facts that were never measured."""

from typing import Any

from omnitray.servers.model import ServerExit, ServerState, ServerView
from omnitray.settings.servers import ServerSettings
from support.samples import NOW

LOG = """13:59:43 WARN  cart cache holds 3.1 GB, limit 2.0 GB
[omnitray] 13:59:44 exit 137, killed for memory by the kernel
[omnitray] 13:59:44 restart 1 in 1 s
[omnitray] 13:59:45 started: uvicorn shop.main:app --port 8000 · pid 41877
13:59:46 INFO  Started server process [41877]
13:59:57 INFO  Application startup complete
[omnitray] 13:59:57 up after 12 s (usually 9 s)
14:02:01 INFO  GET /cart/42 200 in 12 ms
14:02:06 INFO  GET /health 200 in 3 ms"""


def server(name: str, state: ServerState, port: int = 0, **fields: Any) -> ServerView:
    spec_fields: dict[str, Any] = {
        key: fields.pop(key) for key in ("command", "watch_only", "cwd") if key in fields
    }
    wanted: dict[str, Any] = {
        "name": name,
        "command": ("uvicorn", f"{name}.main:app", "--port", str(port)),
        "cwd": "~/shop",
        "health": f"http://127.0.0.1:{port}/health" if port else "",
        **spec_fields,
    }
    spec = ServerSettings(**wanted)
    url = f"http://127.0.0.1:{port}" if port else None
    given: dict[str, Any] = {
        "owner": "settings",
        "url": url,
        "since_at": NOW - 6,
        "log_file": f"/home/me/.local/state/omnitray/servers/{name}.log",
        **fields,
    }
    return ServerView(name=name, state=state, spec=spec, **given)


def servers(name: str = "") -> tuple[ServerView, ...]:
    """One of each kind of trouble, and one that is well; ``name`` is what others have written."""
    killed = ServerExit(code=137, at=NOW - 147, reason="killed for memory by the kernel")
    missing = ServerExit(code=1, at=NOW - 60, reason=f"ModuleNotFoundError: {name or 'shop.tasks'}")
    return (
        server(
            "api",
            ServerState.UP,
            8000,
            pid=41877,
            up_since_at=NOW - 134,
            started_in_s=12.0,
            usual_s=9.0,
            restarts=1,
            last_exit=killed,
        ),
        server("web", ServerState.STARTING, 5173, pid=41901, usual_s=4.0),
        server("db", ServerState.DOWN, 5432, watch_only=True, command=(), detail="no answer"),
        server("worker", ServerState.CRASH_LOOP, usual_s=3.0, restarts=4, last_exit=missing),
        server("admin", ServerState.FOREIGN, 8080, detail=f"{name or 'nginx'} (process 812)"),
    )


def server_log(name: str, lines: int) -> tuple[str, ...]:
    return tuple(LOG.splitlines()[-lines:]) if name == "api" else ()
