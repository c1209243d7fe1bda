"""An instance that knows the token and then says anything: over the WebSocket, frame by frame."""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

from omnitray.api.token import CHALLENGE_HEADER, PROOF_HEADER, proof_of
from omnitray.base.clock import SystemClock, timestamp
from omnitray.client.discovery import Address, remove_address, write_address

TOKEN = "t" * 43


@contextmanager
def lying(api_file: Path, frames: Sequence[str | bytes], close_code: int = 1000) -> Iterator[None]:
    """``api_file`` leads to it; each visitor gets the frames, and the connection is closed."""

    def say(connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            for frame in frames:
                connection.send(frame)
            connection.close(close_code)

    def prove(_: ServerConnection, request: Request) -> Response | None:
        challenge = request.headers.get(CHALLENGE_HEADER)
        if challenge is None:
            return None
        said = {PROOF_HEADER: proof_of(TOKEN, _port(server), challenge), "Content-Length": "0"}
        return Response(200, "OK", Headers(said), b"")

    server = serve(say, "127.0.0.1", 0, process_request=prove, compression=None)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    started = timestamp(SystemClock().wall())
    url = f"http://127.0.0.1:{_port(server)}"
    write_address(api_file, Address(url=url, token=TOKEN, pid=os.getpid(), started=started))
    try:
        yield
    finally:
        remove_address(api_file, TOKEN)
        server.shutdown()
        thread.join()


def _port(server: Server) -> int:
    return int(server.socket.getsockname()[1])
