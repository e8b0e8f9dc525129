"""A wire that can be cut: what is connected to its port is passed on to another, byte by byte."""

import contextlib
import socket
import struct
import threading

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: a close is a reset


class Wire:
    """Passes connections on to a port of this machine, until it is told otherwise."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._links: set[socket.socket] = set()
        self._forgotten: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._flows = threading.Event()
        self._flows.set()
        self._refuses = False
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, name="wire", daemon=True).start()

    def cut(self) -> int:
        """Break every connection; new ones are let through. How many there were."""
        with self._lock:
            links, self._links = self._links, set()
        for each in links:
            with contextlib.suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                each.shutdown(socket.SHUT_RDWR)
        return len(links) // 2

    def hang(self) -> None:
        """Pass on nothing more; connections stay open, as where a firewall has forgotten them."""
        self._flows.clear()

    def forget(self) -> None:
        """Pass on nothing more of what is connected now, which stays open; new connections are let through."""
        with self._lock:
            self._forgotten |= self._links

    def refuse(self) -> None:
        """Break every connection, and new ones as well."""
        self._refuses = True
        self.cut()

    def mend(self) -> None:
        """Pass on again. What was connected meanwhile is broken."""
        self._refuses = False
        if not self._flows.is_set():
            self.cut()
            self._flows.set()

    def close(self) -> None:
        """Stop."""
        self.refuse()
        self._flows.set()
        self._listening.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        try:
            if self._refuses:
                raise OSError("cut")
            far = socket.create_connection(("127.0.0.1", self._target), timeout=5)
        except OSError:
            near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            near.close()
            return
        far.settimeout(None)
        for each in (near, far):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._links |= {near, far}
        back = threading.Thread(target=self._pass, args=(far, near), daemon=True)
        back.start()
        self._pass(near, far)
        back.join()
        with self._lock:
            self._links -= {near, far}
            self._forgotten -= {near, far}
        near.close()
        far.close()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while said := source.recv(65536):
                self._flows.wait()
                if sink not in self._forgotten:
                    sink.sendall(said)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
