"""Who is at the other end of a unix socket: the kernel's socket diagnosis, unprivileged.

``/proc/net/unix`` names the server's end only; a client's socket has no name, its peer has.
"""

import socket
import struct
from collections.abc import Iterator

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_REQUEST_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH
_SHOW_NAME_AND_PEER = 0x1 | 0x4
_ERROR, _DONE = 2, 3
_ANSWER_S = 1.0
_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_REQUEST = struct.Struct("=BBHIIIII")  # family, protocol, pad, states, inode, show, cookie
_MESSAGE = struct.Struct("=BBBBIII")  # family, type, state, pad, inode, cookie
_ATTRIBUTE = struct.Struct("=HH")  # length, type
_NAME, _PEER = 0, 2


def peer_names() -> dict[int, bytes]:
    """For each connected unix socket's inode, the name of the other end's address.

    Raises OSError where the kernel has no socket diagnosis.
    """
    names: dict[int, bytes] = {}
    peers: dict[int, int] = {}
    for inode, attributes in _unix_sockets():
        if _NAME in attributes:
            names[inode] = attributes[_NAME].strip(b"\0")
        if _PEER in attributes:
            peers[inode] = int.from_bytes(attributes[_PEER][:4], "little")
    return {inode: names[peer] for inode, peer in peers.items() if peer in names}


def _unix_sockets() -> Iterator[tuple[int, dict[int, bytes]]]:
    request = _REQUEST.pack(socket.AF_UNIX, 0, 0, 0xFFFFFFFF, 0, _SHOW_NAME_AND_PEER, 0, 0)
    length = _HEADER.size + len(request)
    header = _HEADER.pack(length, _SOCK_DIAG_BY_FAMILY, _REQUEST_DUMP, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as diagnosis:
        diagnosis.settimeout(_ANSWER_S)
        diagnosis.sendto(header + request, (0, 0))
        while True:
            for kind, payload in messages(diagnosis.recv(1 << 18)):
                if kind == _DONE:
                    return
                if kind == _ERROR:
                    raise OSError("the kernel has no diagnosis of unix sockets")
                yield _MESSAGE.unpack_from(payload)[4], dict(attributes(payload[_MESSAGE.size :]))


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The (type, payload) of each netlink message."""
    while len(data) >= _HEADER.size:
        length, kind, *_ = _HEADER.unpack_from(data)
        yield kind, data[_HEADER.size : length]
        data = data[_aligned(max(length, _HEADER.size)) :]


def attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The (type, value) of each attribute."""
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        yield kind, data[_ATTRIBUTE.size : length]
        data = data[_aligned(max(length, _ATTRIBUTE.size)) :]


def _aligned(length: int) -> int:
    return (length + 3) & ~3
