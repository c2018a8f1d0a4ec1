"""Messages between a worker and its extractor: a small JSON header and a body of bytes, over a socket."""

import socket
import struct
import time
from typing import Any

import orjson

LENGTHS = struct.Struct("<II")
"""Bytes of the header and of the body."""
FOREVER = float("inf")


def send(channel: socket.socket, header: dict[str, Any], body: bytes | memoryview, deadline: float = FOREVER) -> None:
    """Send one message.

    Args:
        channel: a connected stream socket.
        header: what JSON can hold.
        body: fewer than 2**32 bytes.
        deadline: a time of `time.monotonic`.

    Raises:
        TimeoutError: the other side did not take it before the deadline.
        OSError: the other side is gone.
    """
    head = orjson.dumps(header)
    _await(channel, deadline)
    channel.sendall(LENGTHS.pack(len(head), len(body)) + head)
    channel.sendall(body)


def receive(channel: socket.socket, deadline: float = FOREVER) -> tuple[dict[str, Any], bytes] | None:
    """Receive one message; None where the other side has closed the channel.

    Raises:
        TimeoutError: it was not there before the deadline.
        OSError: the other side is gone.
    """
    lengths = _receive(channel, LENGTHS.size, deadline)
    if lengths is None:
        return None
    head_size, body_size = LENGTHS.unpack(lengths)
    head, body = _receive(channel, head_size, deadline), _receive(channel, body_size, deadline)
    return None if head is None or body is None else (orjson.loads(head), bytes(body))


def _receive(channel: socket.socket, size: int, deadline: float) -> bytearray | None:
    data = bytearray(size)
    view, done = memoryview(data), 0
    while done < size:
        _await(channel, deadline)
        count = channel.recv_into(view[done:])
        if not count:
            return None
        done += count
    return data


def _await(channel: socket.socket, deadline: float) -> None:
    if deadline == FOREVER:
        return
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    channel.settimeout(left)
