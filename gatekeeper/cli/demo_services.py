"""The services behind the demo: `python -m gatekeeper.cli.demo_services NAME PORT [ID]`, one process for each instance.

An ordinary small web service on nothing but the standard library. It says in JSON who answered and what arrived:

    GET /health                    200 while it runs
    GET .../export?mib=N           a download of N MiB (1 without it)
    PUT or POST, any other path    counts the bytes of the body and hashes them
    any other request              method, path, query and the header fields that this service saw

It ends when its standard input does, so that it never outlives the gateway that started it, however that one ended.
"""

import hashlib
import json
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar, Final
from urllib.parse import parse_qs, urlsplit


CHUNK: Final = bytes(range(256)) * 256
"""64 KiB that every export consists of."""
MEBIBYTE: Final = 1 << 20


class Service(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 90
    name: ClassVar[str] = ""
    instance: ClassVar[str] = ""

    def do_GET(self) -> None:
        """Answer with what arrived, or with a download."""
        url = urlsplit(self.path)
        if url.path == "/health":
            self._answer({"status": "ok"})
        elif url.path.endswith("/export"):
            self._export(parse_qs(url.query).get("mib", ["1"])[0])
        else:
            self._answer(self._echo())

    do_HEAD = do_DELETE = do_PATCH = do_OPTIONS = do_GET  # noqa: N815

    def do_PUT(self) -> None:
        """Count and hash the body, however long it is."""
        digest, size = hashlib.sha256(), 0
        for chunk in self._body():
            digest.update(chunk)
            size += len(chunk)
        self._answer({**self._echo(), "bytes": size, "sha256": digest.hexdigest()})

    do_POST = do_PUT  # noqa: N815

    def _echo(self) -> dict[str, object]:
        url = urlsplit(self.path)
        return {
            "service": self.name,
            "instance": self.instance,
            "method": self.command,
            "path": url.path,
            "query": url.query,
            "headers": {name.lower(): value for name, value in self.headers.items()},
        }

    def _answer(self, content: object, status: int = 200) -> None:
        data = json.dumps(content, indent=2).encode() + b"\n"
        self._head(status, "application/json", len(data))
        if self.command != "HEAD":
            self.wfile.write(data)

    def _export(self, mib: str) -> None:
        if not mib.isdecimal() or len(mib) > 6:
            self._answer({"error": "write ?mib=100 for 100 MiB"}, 400)
            return
        length = int(mib) * MEBIBYTE
        self._head(200, "application/octet-stream", length)
        if self.command != "HEAD":
            for _ in range(length // len(CHUNK)):
                self.wfile.write(CHUNK)

    def _head(self, status: int, content_type: str, length: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def _body(self) -> Iterator[bytes]:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while size := int(self.rfile.readline().partition(b";")[0], 16):
                yield from self._read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass  # trailers
        else:
            yield from self._read(int(self.headers.get("Content-Length", "0")))

    def _read(self, size: int) -> Iterator[bytes]:
        while size > 0 and (chunk := self.rfile.read(min(size, len(CHUNK)))):
            size -= len(chunk)
            yield chunk

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Say nothing: the gateway's log has all of it."""


class Server(ThreadingHTTPServer):
    """Takes connections, one thread each."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """A peer that hangs up in the middle is nothing to talk about."""


def main(arguments: Sequence[str]) -> int:
    """Serve until standard input ends; the exit code."""
    name, port = arguments[0], int(arguments[1])
    Service.name = name
    Service.instance = arguments[2] if len(arguments) > 2 else f"{name}-{port}"
    try:
        server = Server(("127.0.0.1", port), Service)
    except OSError as error:
        print(error.strerror, flush=True)
        return 1
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    while os.read(sys.stdin.fileno(), 4096):
        pass
    return 0


if __name__ == "__main__":
    # the threads are in the middle of something, and nothing here needs saving
    os._exit(main(sys.argv[1:]))
