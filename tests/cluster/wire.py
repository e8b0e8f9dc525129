"""A server that misbehaves below HTTP, which a well-written server cannot be made to do."""

import contextlib
import socket
import threading
from collections.abc import Sequence

OK = b'{"metadata":{"name":"n","resourceVersion":"1"}}'


def answer(body: bytes, status: str = "200 OK", headers: str = "") -> bytes:
    """A whole HTTP answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


def stream(*chunks: bytes, end: bool = False) -> bytes:
    """The beginning of a chunked answer; with `end`, all of it."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(f"{len(each):x}\r\n".encode() + each + b"\r\n" for each in chunks) + b"0\r\n\r\n" * end


class ScriptedServer:
    """Takes connections one after the other. Each has a script: the bytes to send for each request in turn; "close"
    hangs up instead, "hang" says nothing more. After its script a connection is closed."""

    def __init__(self, scripts: Sequence[Sequence[bytes | str]]) -> None:
        self._scripts = list(scripts)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._over = threading.Event()
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.requests: list[bytes] = []  # the first lines
        self.heads: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Stop; whoever hangs is let go."""
        self._over.set()
        self._listening.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while self._scripts:
                link, _ = self._listening.accept()
                script = self._scripts.pop(0)
                threading.Thread(target=self._talk, args=(link, script), daemon=True).start()

    def _talk(self, link: socket.socket, script: Sequence[bytes | str]) -> None:
        with link, contextlib.suppress(OSError):
            for move in script:
                if not (request := link.recv(65536)):
                    return
                self.heads.append(request.split(b"\r\n\r\n")[0])
                self.requests.append(request.split(b"\r\n")[0])
                if isinstance(move, bytes):
                    link.sendall(move)
                elif move == "hang":
                    self._over.wait(20)
                else:
                    return
