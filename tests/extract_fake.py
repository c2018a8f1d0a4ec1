"""A child whose extractor does what the page says; run as a program by the tests of limits."""

import os
import signal
import sys
import time

from corpuskit.extract.child import serve
from corpuskit.extract.config import ExtractConfig
from corpuskit.extract.frames import receive, send
from corpuskit.extract.page import Page

KEPT: list[bytes] = []


def extract(page: bytes, charset: str | None, config: ExtractConfig) -> Page:
    match page.split():
        case [b"spin"]:
            while True:
                pass
        case [b"sleep"]:
            time.sleep(3600)
        case [b"crash", number]:
            os.kill(os.getpid(), int(number))
        case [b"exit"]:
            os._exit(3)
        case [b"raise"]:
            raise ValueError("no \ud800 page")
        case [b"take", size]:
            bytearray(int(size))
        case [b"keep", size]:
            KEPT.append(bytes(int(size)))
        case [b"orphan"]:
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(3600)
        case [b"pid"]:
            return Page(str(os.getpid()), None, None, "utf-8", 0)
    return Page(page.decode(), "title", None, charset or "utf-8", 0)


def main() -> None:
    import socket

    channel = socket.socket(fileno=os.dup(0))
    if sys.argv[1] == "hang":  # takes a page and never answers
        send(channel, {"ready": True}, b"")
        receive(channel)
        time.sleep(3600)
    if sys.argv[1] == "mute":
        sys.exit(7)
    serve(channel, extract)


if __name__ == "__main__":
    main()
