"""Text and context from outside, made fit for a file and the wire."""

from typing import Any

import msgspec

TITLE_LIMIT = 20_000
MESSAGE_LIMIT = 100_000
SOURCE_LIMIT = 200
CONTEXT_LIMIT_BYTES = 256_000


def text(raw: str, limit: int) -> str:
    """Text that encodes, of bounded length."""
    if len(raw) > limit:
        raw = raw[: limit - 1] + "…"
    return raw if raw.isascii() else raw.encode("utf-8", "replace").decode()


def context(raw: object) -> dict[str, Any]:
    """JSON values only: structs become objects, what JSON does not know its ``str``.

    A context that cannot be written at all, or is larger than ``CONTEXT_LIMIT_BYTES``, is
    replaced by a note on that: an alert is never lost over its decoration.
    """
    if not raw:
        return {}
    try:
        data = msgspec.json.encode(raw, enc_hook=str)
        if len(data) > CONTEXT_LIMIT_BYTES:
            return {"left_out": f"a context of {len(data)} bytes"}
        decoded = msgspec.json.decode(data)
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError) as error:
        return {"left_out": f"a context that cannot be written: {type(error).__name__}"}
    return decoded if isinstance(decoded, dict) else {"value": decoded}
