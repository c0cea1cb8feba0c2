"""The service behind the gateways of compose.yaml: says who answers, to those who know the key of the gateways.

The standard library is all that it needs. A service of yours stands in its place.
"""

import hmac
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


KEY = Path(os.environ.get("GATEWAY_KEY_FILE", "/run/secrets/gateway_key")).read_text().strip()
NAME, PORT = os.environ.get("NAME", "app"), int(os.environ.get("PORT", "8000"))


class Service(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    timeout = 90

    def do_GET(self) -> None:
        """Say how it goes, or who this is and for whom."""
        if self.path == "/health":
            self._answer(200, {"status": "ok"})
        elif hmac.compare_digest(self.headers.get("x-gateway-key", "").encode(), KEY.encode()):
            client = self.headers.get("x-forwarded-for", "").partition(",")[0]
            self._answer(200, {"instance": NAME, "path": self.path, "client": client})
        else:
            self._answer(403, {"error": "ask the gateway"})

    def _answer(self, status: int, document: dict[str, str]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Say nothing: the gateway's log has all of it."""


if __name__ == "__main__":
    ThreadingHTTPServer(("", PORT), Service).serve_forever()
