"""The WebSocket: hello, then events; takes subscriptions and leases.

A lease is held by its connection: when that ends, however it ends, the lease is released. The
connection has the bounds of ``http_protocol``: stalled ones and broken ones end.
"""

import asyncio
import contextlib
import logging
import time
from concurrent.futures import Future
from typing import Any

import msgspec
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from omnitray.api import bodies, facade
from omnitray.api.bodies import InstanceIdentity
from omnitray.api.broadcast import Feed, Listener
from omnitray.api.facade import AppFacade, CommandRefused
from omnitray.api.gate import (
    MAX_SOCKETS,
    SOCKET_COMMAND_BURST,
    SOCKET_COMMANDS_PER_S,
    STALL_TIMEOUT_S,
    Bucket,
    Denied,
    Receive,
    Scope,
    Send,
    refuse,
)
from omnitray.api.handlers import level_in_force, settled
from omnitray.api.http_protocol import MALFORMED, AbortTimer, raw_answer
from omnitray.api.messages import (
    MAX_LEASES,
    AnswerCommand,
    Answered,
    FromClient,
    Hello,
    Leased,
    Release,
    Subscribe,
    Subscribed,
    TakeLease,
    Trouble,
)
from omnitray.api.requests import SocketQuery, read_query
from omnitray.api.status import Status
from omnitray.base.leases import Lease, holder_name

LOG = logging.getLogger(__name__)
CROWDED = Denied(429, "too_many_sockets", f"At most {MAX_SOCKETS} sockets; close one.")
POLICY = 1008  # close code: the server's rules
TRY_LATER = 1013
CLOSE_TIMEOUT_S = 2.0
Answer = Answered | Subscribed | Leased | Trouble


class AcceptedSocket:
    """The messages of ASGI's WebSocket that are used here."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self.receive = receive
        self._send = send

    async def accept(self) -> None:
        """Take the connection in."""
        await self.receive()  # websocket.connect
        await self._send({"type": "websocket.accept"})

    async def send_text(self, text: str) -> None:
        """One message; RuntimeError or OSError when the client has gone."""
        await self._send({"type": "websocket.send", "text": text})

    async def close(self, code: int, reason: str) -> None:
        """Close the connection."""
        await self._send({"type": "websocket.close", "code": code, "reason": reason})


class SocketEndpoint:
    """The WebSocket endpoint as an ASGI application."""

    def __init__(self, program: AppFacade, feed: Feed, identity: InstanceIdentity) -> None:
        self._door = program
        self._feed = feed
        self._identity = identity

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, from the handshake to its end."""
        if len(self._feed) >= MAX_SOCKETS:
            await refuse(scope, send, CROWDED)
            return
        try:
            wishes = read_query(scope["query_string"], SocketQuery)
            topics = wishes.topics()
        except (msgspec.ValidationError, ValueError) as error:
            await refuse(scope, send, Denied(422, "invalid", f"{error}."))
            return
        client = self._feed.join(wishes.client)
        client.topics, client.snapshot_interval_s = topics, wishes.snapshot_interval_s
        try:
            await self._serve(AcceptedSocket(receive, send), client)
        finally:
            self._feed.leave(client)

    async def _serve(self, socket: AcceptedSocket, client: Listener) -> None:
        await socket.accept()
        await socket.send_text(self._hello(client))
        conversation = Conversation(self._door, self._feed, client)
        tasks = {
            asyncio.create_task(_write(socket, self._feed, client)),
            asyncio.create_task(_read(socket, conversation)),
        }
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            conversation.release_all()
            await _finish(tasks)
        with contextlib.suppress(TimeoutError, RuntimeError, OSError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                code = TRY_LATER if client.lagged else POLICY
                await socket.close(code, client.goodbye)

    def _hello(self, client: Listener) -> str:
        status = self._door.status()
        hello = Hello(
            version=self._identity.version,
            pid=self._identity.pid,
            mode=status.mode,
            level=status.level,
            chosen_level=bodies.level_name(status.chosen_level),
            events=tuple(sorted(client.topics)),
            client=client.client,
        )
        return msgspec.json.encode(hello).decode()


class Conversation:
    """What one client says, and what it holds."""

    def __init__(self, program: AppFacade, feed: Feed, client: Listener) -> None:
        self._door = program
        self._feed = feed
        self._client = client
        self._leases: set[str] = set()
        self._bucket = Bucket(SOCKET_COMMANDS_PER_S, SOCKET_COMMAND_BURST, time.monotonic)
        self._decoder = msgspec.json.Decoder(FromClient)

    async def answer(self, text: str | bytes) -> Answer:
        """Do what a message says."""
        await asyncio.sleep(self._bucket.take())
        try:
            message = self._decoder.decode(text)
        except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
            return Trouble(error="invalid", detail=f"{error}.")
        try:
            return await self._carry_out(message)
        except CommandRefused as refused:
            return Trouble(error=refused.refusal.value, detail=refused.detail)
        except TimeoutError:
            return Trouble(error="busy", detail="OmniTray is too busy to do that now.")

    def release_all(self) -> None:
        """Release what this connection holds, without waiting."""
        for lease_id in self._leases:
            lost = facade.ReleaseLease(lease_id=lease_id, lost=True)
            self._door.submit(lost).add_done_callback(_log_fault)
        self._leases.clear()

    async def _carry_out(self, message: FromClient) -> Answer:
        match message:
            case Subscribe():
                if message.events is not None:
                    self._client.topics = frozenset(message.events)
                if message.snapshot_interval_s is not None:
                    self._client.snapshot_interval_s = message.snapshot_interval_s
                if message.client:
                    self._feed.rename(self._client, message.client)
                return Subscribed(
                    events=tuple(sorted(self._client.topics)),
                    snapshot_interval_s=self._client.snapshot_interval_s,
                    client=self._client.client,
                )
            case TakeLease():
                return await self._take(message)
            case Release():
                return await self._release(message)
            case AnswerCommand():
                command = facade.AnswerQuestion(
                    question_id=message.question, answer=bodies.answer_of(message.answer)
                )
                done = await settled(self._door.submit(command))
                return Answered(question=message.question, done=done.done)

    async def _take(self, message: TakeLease) -> Answer:
        if message.level is None and message.mode is None:
            return Trouble(error="invalid", detail="A lease asks for a level or a mode.")
        lease_id = self._global_id(message.id)
        if lease_id not in self._leases and len(self._leases) >= MAX_LEASES:
            return Trouble(error="too_many_leases", detail=f"At most {MAX_LEASES} leases.")
        lease = Lease(
            id=lease_id,
            level=message.level,
            mode=message.mode,
            by=holder_name(message.by or self._client.client),
            lasts_s=message.lasts_s,
        )
        self._leases.add(lease_id)
        status = await settled(self._door.submit(facade.BorrowLease(lease=lease)))
        status = await level_in_force(self._door, status)
        return _leased("leased", message.id, status)

    async def _release(self, message: Release) -> Answer:
        lease_id = self._global_id(message.id)
        self._leases.discard(lease_id)
        status = await settled(self._door.submit(facade.ReleaseLease(lease_id=lease_id)))
        status = await level_in_force(self._door, status)
        return _leased("released", message.id, status)

    def _global_id(self, own: str) -> str:
        return f"socket{self._client.number}:{own}"


def _leased(event: str, own_id: str, status: Status) -> Leased:
    return Leased(
        event="leased" if event == "leased" else "released",
        id=own_id,
        mode=status.mode,
        level=status.level,
        chosen_level=bodies.level_name(status.chosen_level),
    )


async def _write(socket: AcceptedSocket, feed: Feed, client: Listener) -> None:
    while (message := await client.queue.get()) is not None:
        await socket.send_text(message.text)
        feed.took(client, message)


async def _read(socket: AcceptedSocket, conversation: Conversation) -> None:
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        text = message.get("text") or message.get("bytes") or ""
        answer = await conversation.answer(text)
        await socket.send_text(msgspec.json.encode(answer).decode())


async def _finish(tasks: set[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        # A client that closed the connection while we were sending is no fault.
        if isinstance(outcome, Exception) and not isinstance(outcome, RuntimeError | OSError):
            LOG.error("A WebSocket failed", exc_info=outcome)


def _log_fault(future: Future[Status]) -> None:
    if not future.cancelled() and (error := future.exception()) is not None:
        LOG.warning("A lease could not be released: %s", error)


class GuardedSocket(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket protocol with limits on stalled clients."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._reader = AbortTimer(STALL_TIMEOUT_S)

    def data_received(self, data: bytes) -> None:
        """Parse; a fault of the parser costs this connection alone."""
        try:
            super().data_received(data)
        except Exception:  # a frame must not be able to raise past its connection
            LOG.exception("A WebSocket failed")
            self.transport.abort()
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            # It would be waited for in silence.
            self.transport.write(raw_answer("400 Bad Request", MALFORMED))
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timer."""
        self._reader.disarm()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The reader does not keep up."""
        super().pause_writing()
        self._reader.arm(self.transport)

    def resume_writing(self) -> None:
        """The client reads again: stop the timer."""
        super().resume_writing()
        self._reader.disarm()
