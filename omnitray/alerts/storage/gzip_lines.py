"""Lines out of a file of gzip members, as far as they can be had.

A process that was killed leaves a torn last member, a bad disk leaves a hole: what stands before
is read, and reading goes on at the next member that begins soundly.
"""

import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import BinaryIO

_CHUNK_BYTES = 1 << 16
_MAGIC = b"\x1f\x8b\x08"
_STEP_BYTES = 256
_GZIP = 31  # zlib's number for "gzip, window of 32 KiB"


class GzipLines:
    """Iterate once for the lines, each with its line break; then ask what was met."""

    def __init__(self, path: Path) -> None:
        self.members = 0
        self.damaged = False
        self._path = path
        self._rest = b""

    def __iter__(self) -> Iterator[bytes]:
        """Stream; memory is bounded by the longest line, and by the rest of the file on damage."""
        with self._path.open("rb") as file:
            start: int | None = 0
            while start is not None:
                start = yield from self._sound_members(file, start)

    def _sound_members(self, file: BinaryIO, start: int) -> Generator[bytes, None, int | None]:
        """Read on from a member; where to go on after damage, None at the end."""
        file.seek(start)
        decoder = zlib.decompressobj(_GZIP)
        begun = False
        while chunk := file.read(_CHUNK_BYTES):
            while chunk:
                before = decoder.copy()
                try:
                    data = decoder.decompress(chunk)
                except zlib.error:
                    yield from self._lines(_up_to_the_damage(before, chunk))
                    return self._after_damage(file, start)
                yield from self._lines(data)
                begun, chunk = True, decoder.unused_data
                if decoder.eof:
                    self._end_member()
                    start = file.tell() - len(chunk)
                    decoder, begun = zlib.decompressobj(_GZIP), False
        # A member without an end is torn, or damaged so that it swallowed those after it.
        return self._after_damage(file, start) if begun else None

    def _lines(self, data: bytes) -> Iterator[bytes]:
        lines = (self._rest + data).splitlines(keepends=True)
        self._rest = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
        yield from lines

    def _end_member(self) -> None:
        self.members += 1
        if self._rest:  # a member ends with a line break, unless something is wrong
            self.damaged, self._rest = True, b""

    def _after_damage(self, file: BinaryIO, start: int) -> int | None:
        self.damaged, self._rest = True, b""
        file.seek(start + 1)
        found = file.read().find(_MAGIC)
        return None if found < 0 else start + 1 + found


def _up_to_the_damage(decoder: "zlib._Decompress", chunk: bytes) -> bytes:
    """What the chunk gives before it goes wrong."""
    found = b""
    for start in range(0, len(chunk), _STEP_BYTES):
        try:
            found += decoder.decompress(chunk[start : start + _STEP_BYTES])
        except zlib.error:
            break
    return found
