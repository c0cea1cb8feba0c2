"""The bytes of the benchmark: what the load sends, what the origin answers, and nothing else."""

PATH = "/api/items/7"
LARGE_PATH = "/large/object"
CONTROL_PATH = "/_control/stats"

GET_HEADERS = (
    ("Host", "api.example.com"),
    ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    ("Accept", "application/json, text/plain, */*"),
    ("Accept-Language", "en-GB,en;q=0.8,de;q=0.5"),
    ("Accept-Encoding", "gzip, deflate, br, zstd"),
    ("Authorization", "Bearer eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiJ1LTE3In0.c2lnbmF0dXJl"),
    ("Cookie", "theme=dark; session=6d1f0c7a5be84a0c9f1f2f6f6f1e2a77"),
    ("Referer", "https://app.example.com/items"),
    ("Origin", "https://app.example.com"),
    ("X-Requested-With", "XMLHttpRequest"),
    ("Sec-Fetch-Mode", "cors"),
    ("Cache-Control", "no-cache"),
)
_ONLY_GET = {"Sec-Fetch-Mode", "Cache-Control"}


def _json(size: int) -> bytes:
    """Return a JSON object of exactly `size` bytes."""
    rows = ",".join(
        f'{{"id":{number},"name":"item {number}","price":"{number}.99"}}' for number in range(100, 118)
    )
    start = f'{{"items":[{rows}],"note":"'
    return (start + "x" * (size - len(start) - 2) + '"}').encode()


ANSWER_BODY = _json(1024)
POST_BODY = _json(1024)
POST_HEADERS = (
    *(header for header in GET_HEADERS if header[0] not in _ONLY_GET),
    ("Content-Type", "application/json"),
    ("Content-Length", str(len(POST_BODY))),
)
ANSWER_HEADERS = (
    ("Date", "Sun, 01 Nov 2026 12:00:00 GMT"),
    ("Server", "origin"),
    ("Content-Type", "application/json"),
    ("Content-Length", str(len(ANSWER_BODY))),
    ("Cache-Control", "private, max-age=0"),
    ("ETag", '"5f3c-1a2b3c4d"'),
    ("Last-Modified", "Sun, 01 Nov 2026 11:58:00 GMT"),
    ("Vary", "Accept, Authorization"),
    ("X-Content-Type-Options", "nosniff"),
    ("Access-Control-Allow-Origin", "https://app.example.com"),
)


def head(first_line: str, headers: tuple[tuple[str, str], ...]) -> bytes:
    """Serialise a message head."""
    return "".join(
        [f"{first_line}\r\n", *(f"{name}: {value}\r\n" for name, value in headers), "\r\n"]
    ).encode("latin-1")


ANSWER = head("HTTP/1.1 200 OK", ANSWER_HEADERS) + ANSWER_BODY
GET = head(f"GET {PATH} HTTP/1.1", GET_HEADERS)
POST = head(f"POST {PATH} HTTP/1.1", POST_HEADERS) + POST_BODY


def large_answer_head(size: int) -> bytes:
    """Return the head of an answer whose body has `size` bytes."""
    return head(
        "HTTP/1.1 200 OK",
        (
            ("Content-Type", "application/octet-stream"),
            ("Content-Length", str(size)),
            ("Cache-Control", "no-store"),
        ),
    )


def large_get(size: int) -> bytes:
    """Return a request for `size` bytes."""
    return head(f"GET {LARGE_PATH}?size={size} HTTP/1.1", (("Host", "api.example.com"), ("Accept", "*/*")))


def large_put_head(size: int) -> bytes:
    """Return the head of an upload of `size` bytes."""
    return head(
        f"PUT {LARGE_PATH} HTTP/1.1",
        (
            ("Host", "api.example.com"),
            ("Content-Type", "application/octet-stream"),
            ("Content-Length", str(size)),
        ),
    )
