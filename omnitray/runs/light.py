"""Parts of the standard library without what takes long to import.

``signal`` is the module with plain numbers: it makes enums of them, and that takes 5 ms. JSON is
read and written by the functions that :mod:`json` itself is made from: that module compiles regular
expressions when it is imported, which takes 10 ms, more than all the rest that ``omnitray run``
imports. Where the parts are not as in CPython 3.11 to 3.14, the whole modules are used.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable
    from typing import Any
else:
    try:
        import _signal as signal
    except ImportError:
        import signal

__all__ = ("dumps", "loads", "signal", "signal_name")


def signal_name(number: int) -> str:
    """``SIGTERM``; ``SIGRT40`` for one that has no name."""
    import signal  # noqa: PLC0415 - only where there was one: 5 ms

    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIGRT{number}"


def loads(data: bytes) -> object:
    """The value in UTF-8 text; raises ValueError, RecursionError."""
    text = data.decode("utf-8").strip()
    try:
        value, end = _scanner()(text, 0)
    except StopIteration as error:
        raise ValueError("no value") from error
    except SystemError:  # it looks for the error's class in json.decoder, which is not imported
        import json  # noqa: PLC0415 - the file is damaged: time does not count

        return json.loads(text)
    if end != len(text):
        raise ValueError("more than one value")
    return value


def dumps(value: object) -> str:
    """Without blanks, in ASCII; raises ValueError, TypeError."""
    return "".join(_encoder()(value, 0))


class _Context:
    """What the scanner asks of a decoder."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float, parse_int = float, int

    @staticmethod
    def parse_constant(name: str) -> object:
        """NaN and the infinities are no JSON."""
        raise ValueError(name)


def _scanner() -> "Callable[[str, int], tuple[object, int]]":
    try:
        from _json import make_scanner  # noqa: PLC0415 - where it is there

        context: Any = _Context()
        return make_scanner(context)
    except (ImportError, AttributeError, TypeError):
        import json  # noqa: PLC0415 - see the module

        return json.JSONDecoder().raw_decode


def _encoder() -> "Callable[[object, int], tuple[str, ...] | list[str]]":
    try:
        from _json import encode_basestring_ascii, make_encoder  # noqa: PLC0415 - as above

        return make_encoder(
            {}, _refuse, encode_basestring_ascii, None, ":", ",", False, False, False
        )
    except (ImportError, AttributeError, TypeError):
        import json  # noqa: PLC0415 - as above

        encoder = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
        return lambda value, _depth: [encoder.encode(value)]


def _refuse(value: object) -> object:
    raise TypeError(f"{type(value).__name__} is no JSON")
