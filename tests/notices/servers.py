"""Real servers to which notifications go: a webhook's and a mail server, on loopback."""

import json
import socketserver
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Hook(ThreadingHTTPServer):
    """Keeps what was posted. `status`: what it answers; `location`: where it redirects to; `hold`: set to answer."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Hooked)
        self.posted, self.paths, self.status, self.location = [], [], 200, ""
        self.hold = threading.Event()
        self.hold.set()

    @property
    def url(self):
        return f"json://127.0.0.1:{self.server_port}/THEsecretPATH"


class _Hooked(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.paths.append(self.path)
        self.server.hold.wait(75)
        self.server.posted.append(json.loads(body))
        self.send_response(self.server.status)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        self.server.paths.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


class Mail(socketserver.ThreadingTCPServer):
    """Takes any mail and keeps it."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Mailed)
        self.mails = []

    @property
    def url(self):
        return f"mailto://127.0.0.1:{self.server_address[1]}/?from=portal@example.org&to=ops@example.org&mode=insecure"


class _Mailed(socketserver.StreamRequestHandler):
    def handle(self):
        self._say("220 mail")
        for line in self.rfile:
            word = line.decode().strip().upper()
            if word.startswith("DATA"):
                self._say("354 go on")
                text = b""
                for each in self.rfile:
                    if each.strip() == b".":
                        break
                    text += each
                self.server.mails.append(text.decode())
            if word.startswith("QUIT"):
                self._say("221 bye")
                return
            self._say("250 ok")

    def _say(self, text):
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def serving(server):
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(75)
