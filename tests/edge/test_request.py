"""From dirty bytes to a clean request; ids name the row of reliability.md."""

import asyncio

import orjson
import pytest

from tests.edge.wire import HOST, Message, Origin, Stalls, on_both_loops, running, until


GET = b"GET /next HTTP/1.1\r\n" + HOST + b"\r\n"
CHUNKED_BODY = b"5\r\nhello\r\n0\r\n\r\n"
CANARY = b"canary"


def request(line: bytes = b"GET / HTTP/1.1", *fields: bytes, host: bytes = HOST, body: bytes = b"") -> bytes:
    """A request with a canary in it, which no refusal may show."""
    return (
        line
        + b"\r\n"
        + host
        + b"X-Canary: canary\r\n"
        + b"".join(f + b"\r\n" for f in fields)
        + b"\r\n"
        + body
    )


def post(*fields: bytes, body: bytes = CHUNKED_BODY) -> bytes:
    return request(b"POST /canary HTTP/1.1", *fields, body=body)


REFUSED: dict[str, tuple[set[int], bytes]] = {
    "FRM-01-length-then-chunked": ({400}, post(b"Content-Length: 5", b"Transfer-Encoding: chunked")),
    "FRM-01-chunked-then-length": ({400}, post(b"Transfer-Encoding: chunked", b"Content-Length: 5")),
    "FRM-02-two-lengths": ({400}, post(b"Content-Length: 5", b"Content-Length: 6")),
    "FRM-02-two-equal-lengths": ({400}, post(b"Content-Length: 5", b"Content-Length: 5")),
    "FRM-02-a-list-of-lengths": ({400}, post(b"Content-Length: 5, 5")),
    **{
        f"FRM-03-length-{value.decode('latin-1')}": ({400}, post(b"Content-Length: " + value))
        for value in (b"+5", b"-5", b"0x5", b"1_0", b"", b"18446744073709551616", b"2 3", "５".encode())  # noqa: RUF001
    },
    **{
        f"FRM-05-coding-{value!r}": ({400, 501}, post(b"Transfer-Encoding: " + value))
        for value in (
            b"xchunked",
            b"identity",
            b"chunked, identity",
            b"chunked, chunked",
            b"\vchunked",
            b"chunked;q=1",
        )
    },
    "FRM-05-two-fields": ({400, 501}, post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked")),
    "FRM-05-two-codings": ({400, 501}, post(b"Transfer-Encoding: gzip", b"Transfer-Encoding: chunked")),
    "FRM-06-gzip-chunked": ({501}, post(b"Transfer-Encoding: gzip, chunked")),
    "FRM-07-comma-chunked": ({400, 501}, post(b"Transfer-Encoding: ,chunked")),
    "FRM-07-chunked-comma": ({400, 501}, post(b"Transfer-Encoding: chunked,")),
    "FRM-08-chunked-in-1.0": (
        {400},
        request(
            b"POST / HTTP/1.0", b"Connection: keep-alive", b"Transfer-Encoding: chunked", body=CHUNKED_BODY
        ),
    ),
    "FRM-09-empty-coding-with-length": ({400}, post(b"Transfer-Encoding:", b"Content-Length: 16")),
    "FRM-16-bare-lf": ({400}, b"GET /canary HTTP/1.1\nHost: example.test\n\n"),
    "FRM-16-bare-cr": ({400}, request(b"GET / HTTP/1.1", b"X: a\rb")),
    "FRM-16-obs-fold": ({400}, request(b"GET / HTTP/1.1", b"X: a", b" folded")),
    "FRM-16-blank-before-colon": ({400}, request(b"GET / HTTP/1.1", b"X : a")),
    "FRM-16-no-colon": ({400}, request(b"GET / HTTP/1.1", b"X")),
    "FRM-16-no-name": ({400}, request(b"GET / HTTP/1.1", b": a")),
    "FRM-17-nul": ({400}, request(b"GET / HTTP/1.1", b"X: a\0b")),
    "FRM-17-control": ({400}, request(b"GET / HTTP/1.1", b"X: a\x01b")),
    "FRM-17-delete": ({400}, request(b"GET / HTTP/1.1", b"X: a\x7fb")),
    "FRM-17-name": ({400}, request(b"GET / HTTP/1.1", b"X(y): a")),
    "FRM-19-no-host": ({400}, request(host=b"")),
    "FRM-19-two-hosts": ({400}, request(host=HOST + b"Host: other.test\r\n")),
    "FRM-19-two-equal-hosts": ({400}, request(host=HOST + HOST)),
    **{
        f"FRM-20-host-{value.decode('latin-1')!r}": ({400}, request(host=b"Host: " + value + b"\r\n"))
        for value in (
            b"",
            b"u@a",
            b"a/b",
            b"a, b",
            b"a b",
            b"[::1",
            b"a:99999",
            b"a:-1",
            b"a:0x50",
            b"a%00",
            b"a#b",
        )
    },
    "FRM-20-host-backslash": ({400}, request(host=b"Host: a\\b\r\n")),
    "FRM-20-host-letters": ({400}, request(host="Host: ä.test\r\n".encode())),
    "FRM-22-ftp": ({400}, request(b"GET ftp://example.test/canary HTTP/1.1")),
    "FRM-22-file": ({400}, request(b"GET file:///canary HTTP/1.1")),
    "FRM-22-userinfo": ({400}, request(b"GET http://canary@example.test/ HTTP/1.1")),
    "FRM-22-no-authority": ({400}, request(b"GET http:///canary HTTP/1.1")),
    "FRM-22-no-scheme": ({400}, request(b"GET example.test/canary HTTP/1.1")),
    "FRM-23-connect": ({405, 501}, request(b"CONNECT example.test:80 HTTP/1.1")),
    "FRM-24-get-asterisk": ({400, 501}, request(b"GET * HTTP/1.1")),
    "FRM-25-trace": ({405}, request(b"TRACE / HTTP/1.1", b"Cookie: canary=1")),
    "FRM-26-unknown-method": ({400, 501}, request(b"CANARY / HTTP/1.1")),
    "FRM-26-lower-case-method": ({400, 501}, request(b"get / HTTP/1.1")),
    "FRM-26-long-method": ({400, 414, 501}, request(b"G" * 8192 + b" / HTTP/1.1")),
    "FRM-28-0.9": ({400, 505}, request(b"GET /canary HTTP/0.9")),
    "FRM-28-1.2": ({400, 505}, request(b"GET /canary HTTP/1.2")),
    "FRM-28-2.0": ({400, 505}, request(b"GET /canary HTTP/2.0")),
    "FRM-28-01.1": ({400, 505}, request(b"GET /canary HTTP/01.1")),
    "FRM-28-none": ({400, 505}, b"GET /canary\r\n\r\n"),
    "FRM-29-preface-of-h2": ({400, 505}, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "FRM-29-tls-hello": ({400}, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03canary"),
    "FRM-29-ssh": ({400}, b"SSH-2.0-OpenSSH_9.2 canary\r\n"),
    "FRM-34-expect": ({417}, request(b"GET / HTTP/1.1", b"Expect: canary")),
    "FRM-34-expect-two": ({417}, request(b"GET / HTTP/1.1", b"Expect: 100-continue, canary")),
    "FRM-37-two-authorizations": (
        {400},
        request(b"GET / HTTP/1.1", b"Authorization: a", b"Authorization: b"),
    ),
    "FRM-37-two-content-types": (
        {400},
        request(b"GET / HTTP/1.1", b"Content-Type: a/b", b"Content-Type: c/d"),
    ),
    "HOP-03-many-nominations": (
        {400},
        request(b"GET / HTTP/1.1", b"Connection: " + b",".join(b"x%d" % n for n in range(33))),
    ),
    "HOP-09-loop": ({508}, request(b"GET / HTTP/1.1", b"Via: " + b", ".join([b"1.1 gatekeeper"] * 5))),
    "target-with-a-fragment": ({400}, request(b"GET /canary?a#b HTTP/1.1")),
    "path-with-a-fragment": ({400}, request(b"GET /canary#b HTTP/1.1")),
    "path-with-a-backslash": ({400}, request(b"GET /canary\\b HTTP/1.1")),
    "path-with-a-nul": ({400}, request(b"GET /canary%00 HTTP/1.1")),
    "path-with-a-bad-escape": ({400}, request(b"GET /canary% HTTP/1.1")),
    "path-with-raw-bytes": ({400}, request("GET /canaryä HTTP/1.1".encode())),
}


@on_both_loops
@pytest.mark.parametrize(("statuses", "data"), REFUSED.values(), ids=REFUSED)
async def test_what_is_ambiguous_is_refused(statuses: set[int], data: bytes) -> None:
    """In our own words, with an id, one record, no word of the input, and nothing sent on; what follows is not read."""
    async with running() as wire:
        client = await wire.client()
        client.send(data + GET)
        answer = await client.answer()
        assert answer.status in statuses
        assert answer.line.startswith(b"HTTP/1.1 ")
        assert answer.all(b"content-type") == [b"application/problem+json"]
        (request_id,) = answer.all(b"x-request-id")
        problem = orjson.loads(answer.body)
        assert (answer.status, request_id.decode()) == (problem["status"], problem["request_id"])
        assert (answer.all(b"server"), len(answer.all(b"date"))) == ([], 1)
        everything = answer.line + repr(answer.fields).encode() + answer.body
        for word in (CANARY, b"aiohttp", b"Python", b"llhttp"):
            assert word not in everything
        assert answer.all(b"connection") == [b"close"]
        assert await client.ended() == b""
        await wire.quiet()
        assert wire.origin.requests == []
        (record,) = wire.records
        assert (answer.status, request_id.decode()) == (record["status"], record["request_id"])


@on_both_loops
@pytest.mark.parametrize("slash", [b"%2f", b"%2F", b"%5c", b"%5C"])
async def test_an_encoded_slash_is_refused_by_the_route(slash: bytes) -> None:
    """PTH-03: it says whether it takes one; the connection goes on."""
    async with running() as wire:
        client = await wire.client()
        client.send(request(b"GET /canary" + slash + b"b HTTP/1.1") + GET)
        refused, answered = await client.answer(), await client.answer()

    assert (400, "bad-target") == (refused.status, orjson.loads(refused.body)["code"])
    assert CANARY not in refused.body
    assert (200, 1) == (answered.status, len(wire.origin.requests))


@on_both_loops
async def test_a_length_with_leading_zeros_is_sent_on_without_them() -> None:
    """FRM-04."""
    async with running() as wire:
        answer = await wire.ask(post(b"Content-Length: 0005", body=b"hello"))
        assert answer.status == 200
        assert wire.origin.requests[0].all(b"content-length") == [b"5"]


@on_both_loops
@pytest.mark.parametrize(
    "method", [b"GET", b"HEAD", b"DELETE", b"OPTIONS", b"POST", b"PUT", b"PATCH", b"PROPFIND"]
)
@pytest.mark.parametrize(
    "framing", [b"Content-Length: 5\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKED_BODY]
)
async def test_a_body_of_any_method_is_framed_once_and_the_request_behind_it_answered(
    method: bytes, framing: bytes
) -> None:
    """FRM-30, HOP-05."""
    async with running() as wire:
        client = await wire.client()
        answer = await client.ask(
            method + b" /first HTTP/1.1\r\n" + HOST + framing + GET, to_head=method == b"HEAD"
        )
        assert (answer.status, (await client.answer()).status) == (200, 200)
        first, second = wire.origin.requests
        assert (first.target, first.body, second.target, second.body) == (b"/first", b"hello", b"/next", b"")
        assert len(first.all(b"content-length") + first.all(b"transfer-encoding")) == 1


@on_both_loops
@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"DELETE", b"POST"])
async def test_a_request_without_a_body_stays_without_one(method: bytes) -> None:
    """HOP-05, HOP-07: a length of nothing only where a method expects a body."""
    async with running() as wire:
        await wire.ask(method + b" / HTTP/1.1\r\n" + HOST + b"\r\n", to_head=method == b"HEAD")
        (seen,) = wire.origin.requests
        assert ([b"0"] if method == b"POST" else [], []) == (
            seen.all(b"content-length"),
            seen.all(b"transfer-encoding"),
        )


@on_both_loops
async def test_an_absolute_target_decides_over_the_host() -> None:
    """FRM-21: its authority is what is routed, forwarded and logged."""
    async with running() as wire:
        await wire.ask(b"GET http://Real.test:8080/a/../b?c HTTP/1.1\r\nHost: other.test\r\n\r\n")
        (seen,) = wire.origin.requests
        assert (
            seen.target,
            seen.all(b"host"),
            seen.all(b"x-forwarded-host"),
        ) == (b"/b?c", [b"Real.test:8080"], [b"Real.test:8080"])
        assert (wire.records[0]["host"], wire.records[0]["path"]) == ("real.test", "/b")


@on_both_loops
@pytest.mark.parametrize(
    ("target", "forwarded"),
    [
        (b"http://example.test", b"/"),
        (b"HTTP://example.test?a=/b", b"/?a=/b"),
        (b"http://example.test/?", b"/?"),
    ],
    ids=repr,
)
async def test_an_absolute_target_without_a_path_is_the_root(target: bytes, forwarded: bytes) -> None:
    """RFC 9112 section 3.2.2."""
    async with running() as wire:
        assert (await wire.ask(b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"\r\n")).status == 200
        assert forwarded == wire.origin.requests[0].target


@on_both_loops
async def test_hop_by_hop_and_nominated_fields_are_not_sent_on() -> None:
    """HOP-01, HOP-02, HOP-10, HOP-11: and what is nominated away is only what the client sent."""
    fields = [
        b"Connection: close, X-Mine, X-Forwarded-For, X-Forwarded-Host, X-Request-Id, Traceparent, Via, ,",
        b"Connection: x-also",
        b"Keep-Alive: timeout=5",
        b"Proxy-Connection: keep-alive",
        b"Proxy-Authorization: secret",
        b"Proxy: http://evil.test",
        b"TE: trailers",
        b"Trailer: X-Sum",
        b"HTTP2-Settings: AAMAAABkAAQAAP__",
        b"Upgrade: h2c",
        b"X-Mine: 1",
        b"X-Also: 1",
        b"X-Kept: 1",
        b"X-HTTP-Method-Override: DELETE",
        b"X-Original-URL: /admin",
    ]
    async with running() as wire:
        answer = await wire.ask(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n".join(fields) + b"\r\n\r\n")
        assert (answer.status, answer.all(b"connection")) == (200, [b"close"])
        (seen,) = wire.origin.requests
        # trailers of answers are passed on, so that they may be asked for
        assert (seen.all(b"te"), seen.all(b"connection")) == ([b"trailers"], [b"TE"])
        assert sorted(name.lower() for name, _ in seen.fields) == [
            b"connection",
            b"host",
            b"te",
            b"traceparent",
            b"via",
            b"x-forwarded-for",
            b"x-forwarded-host",
            b"x-forwarded-proto",
            b"x-kept",
            b"x-request-id",
        ]


@on_both_loops
async def test_other_fields_arrive_as_they_were_sent() -> None:
    """HOP-07, HOP-08, LIM-11: order, case, duplicates and bytes beyond ASCII, and none invented."""
    fields = (
        (b"X-One", b"1"),
        (b"x-TWO", b"\xe4\xff"),
        (b"X-One", b"3"),
        (b"Accept-Encoding", b"gzip"),
        (b"Cookie", b"a=b; c=d"),
        (b"X-Empty", b""),
    )
    async with running() as wire:
        await wire.ask(
            b"GET / HTTP/1.1\r\n" + HOST + b"".join(n + b":  " + v + b" \r\n" for n, v in fields) + b"\r\n"
        )
        (seen,) = wire.origin.requests
        assert fields == seen.fields[1 : 1 + len(fields)]
        ours = {
            b"host",
            b"x-forwarded-for",
            b"x-forwarded-proto",
            b"x-forwarded-host",
            b"traceparent",
            b"x-request-id",
            b"via",
        }
        assert ours == {name.lower() for name, _ in seen.fields} - {name.lower() for name, _ in fields}


@on_both_loops
async def test_names_that_only_look_alike_are_dropped() -> None:
    """FRM-36: servers that turn names into variables cannot tell an underscore from a hyphen."""
    async with running() as wire:
        await wire.ask(
            b"GET / HTTP/1.1\r\n"
            + HOST
            + b"X_Forwarded_For: 6.6.6.6\r\nContent_Length: 3\r\nX_User: root\r\nX-User: me\r\n\r\n"
        )
        (seen,) = wire.origin.requests
        assert [name for name, _ in seen.fields if b"_" in name] == []
        assert (seen.all(b"x-forwarded-for"), seen.all(b"x-user")) == ([b"127.0.0.1"], [b"me"])


CLAIMS = [
    b"X-Forwarded-For: 6.6.6.6",
    b"X-Forwarded-For: 7.7.7.7",
    b"X-Forwarded-Proto: https",
    b"X-Forwarded-Host: evil.test",
    b"X-Forwarded-Port: 1",
    b"X-Forwarded-Prefix: /evil",
    b"X-Real-IP: 6.6.6.6",
    b"True-Client-IP: 6.6.6.6",
    b"CF-Connecting-IP: 6.6.6.6",
    b"X-Request-Id: chosen-by-the-client",
]


@on_both_loops
async def test_claims_of_a_client_who_is_not_trusted_are_replaced() -> None:
    """FWD-01, FWD-05, FWD-09."""
    async with running() as wire:
        fields = b"\r\n".join([*CLAIMS, b"Forwarded: for=6.6.6.6;host=evil.test;proto=https"])
        answer = await wire.ask(b"GET / HTTP/1.1\r\n" + HOST + fields + b"\r\n\r\n")
        (seen,) = wire.origin.requests
        assert (
            seen.all(b"x-forwarded-for"),
            seen.all(b"x-forwarded-proto"),
            seen.all(b"x-forwarded-host"),
            seen.all(b"forwarded"),
        ) == ([b"127.0.0.1"], [b"http"], [b"example.test"], [])
        assert not {b"6.6.6.6", b"evil.test"} & {value for _, value in seen.fields}
        assert answer.all(b"x-request-id") == seen.all(b"x-request-id") != [b"chosen-by-the-client"]
        assert (wire.records[0]["client"], wire.records[0]["host"]) == ("127.0.0.1", "example.test")


@on_both_loops
async def test_a_trusted_proxy_is_believed() -> None:
    """FWD-02: the list is walked from the right, and only what is believed is sent on."""
    async with running(trusted=["127.0.0.0/8", "10.0.0.0/8"]) as wire:
        fields = [
            b"X-Forwarded-For: 6.6.6.6, 192.0.2.7",
            b"X-Forwarded-For: 10.1.2.3:4711",
            b"X-Forwarded-Proto: HTTPS",
            b"X-Forwarded-Host: Public.test:444",
            b"X-Request-Id: from-the-proxy",
        ]
        answer = await wire.ask(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n".join(fields) + b"\r\n\r\n")
        (seen,) = wire.origin.requests
        assert (
            seen.all(b"x-forwarded-for"),
            seen.all(b"x-forwarded-proto"),
            seen.all(b"x-forwarded-host"),
            seen.all(b"host"),
        ) == ([b"192.0.2.7, 10.1.2.3, 127.0.0.1"], [b"https"], [b"Public.test:444"], [b"example.test"])
        assert [b"from-the-proxy"] == answer.all(b"x-request-id") == seen.all(b"x-request-id")
        record = wire.records[0]
        assert (record["client"], record["host"], record["request_id"]) == (
            "192.0.2.7",
            "public.test",
            "from-the-proxy",
        )


@on_both_loops
@pytest.mark.parametrize("both", [False, True], ids=["alone", "beside-what-proxies-write"])
async def test_what_a_trusted_proxy_passes_on_is_told_as_one_truth(*, both: bool) -> None:
    """FWD-04: where both are there, `Forwarded` may be the client's own, which most proxies pass on as it came."""
    async with running(trusted=["127.0.0.1"]) as wire:
        standard = b'Forwarded: for=6.6.6.6;proto=http, for="[2001:db8::7]:1";proto=https;host=public.test'
        usual = (b"X-Forwarded-For: 192.0.2.1", b"X-Forwarded-Proto: http", b"X-Forwarded-Host: a.test")
        fields = [standard, *(usual if both else ())]
        await wire.ask(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n".join(fields) + b"\r\n\r\n")
        (seen,) = wire.origin.requests
        names = (b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"forwarded")
        assert [seen.all(name) for name in names] == (
            [
                [b"192.0.2.1, 127.0.0.1"],
                [b"http"],
                [b"a.test"],
                [b'for=192.0.2.1, for=127.0.0.1;proto=http;host="a.test"'],
            ]
            if both
            else [
                [b"2001:db8::7, 127.0.0.1"],
                [b"https"],
                [b"public.test"],
                [b'for="[2001:db8::7]", for=127.0.0.1;proto=https;host="public.test"'],
            ]
        )


@on_both_loops
@pytest.mark.parametrize(
    "written", [b"X-Forwarded-For: 192.0.2.1", b"X-Forwarded-Proto: https", b"X-Forwarded-Host: a.test"]
)
async def test_one_field_that_a_trusted_proxy_writes_is_enough_not_to_believe_the_standard_one(
    written: bytes,
) -> None:
    """FWD-04: whoever writes any of the usual ones passes a client's `Forwarded` on as it came."""
    async with running(trusted=["127.0.0.1"]) as wire:
        standard = b"Forwarded: for=6.6.6.6;proto=gopher;host=evil.test"
        await wire.ask(b"GET / HTTP/1.1\r\n" + HOST + standard + b"\r\n" + written + b"\r\n\r\n")

        (seen,) = wire.origin.requests
        told = b"".join(value for name, value in seen.fields)
        assert b"6.6.6.6" not in told
        assert b"evil" not in told


@on_both_loops
async def test_a_malformed_standard_field_of_a_trusted_proxy_is_not_believed() -> None:
    """FWD-03, FWD-04: the other fields are."""
    async with running(trusted=["127.0.0.1"]) as wire:
        fields = b"Forwarded: for=;;\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: gopher\r\nX-Request-Id: \xff\r\n\r\n"
        answer = await wire.ask(b"GET / HTTP/1.1\r\n" + HOST + fields)
        (seen,) = wire.origin.requests
        assert (seen.all(b"x-forwarded-for"), seen.all(b"x-forwarded-proto")) == (
            [b"192.0.2.1, 127.0.0.1"],
            [b"http"],
        )
        assert answer.all(b"x-request-id") != [b"\xff"]


@on_both_loops
async def test_a_trusted_proxy_that_says_nothing_is_the_client() -> None:
    """FWD-01."""
    async with running(trusted=["127.0.0.1"]) as wire:
        await wire.ask(GET)
        await wire.ask(b"GET / HTTP/1.1\r\n" + HOST + b"Via: 1.0 other\r\n\r\n")
        first, second = wire.origin.requests
        for seen in (first, second):
            assert (seen.all(b"x-forwarded-for"), seen.all(b"x-forwarded-host")) == (
                [b"127.0.0.1"],
                [b"example.test"],
            )
        assert second.all(b"via") == [b"1.0 other", b"1.1 gatekeeper"]


TRACE = b"4bf92f3577b34da6a3ce929d0e0e4736"


@on_both_loops
async def test_a_trace_context_is_passed_on() -> None:
    """W3C Trace Context: same trace, and its state."""
    async with running() as wire:
        await wire.ask(
            b"GET / HTTP/1.1\r\n"
            + HOST
            + b"traceparent: 00-"
            + TRACE
            + b"-00f067aa0ba902b7-01\r\ntracestate: a=1\r\n\r\n"
        )
        (seen,) = wire.origin.requests
        (parent,) = seen.all(b"traceparent")
        assert (parent.split(b"-")[1], seen.all(b"tracestate")) == (TRACE, [b"a=1"])
        assert TRACE.decode() == wire.records[0]["trace_id"]


@on_both_loops
async def test_a_malformed_trace_context_is_replaced() -> None:
    """FWD-10: by a fresh one without state."""
    async with running() as wire:
        await wire.ask(
            b"GET / HTTP/1.1\r\n"
            + HOST
            + b"traceparent: 00-"
            + TRACE
            + b"-nonsense\r\ntracestate: a=1\r\n\r\n"
        )
        (seen,) = wire.origin.requests
        (parent,) = seen.all(b"traceparent")
        assert (len(parent.split(b"-")), seen.all(b"tracestate")) == (4, [])
        assert TRACE not in parent


# ---- Expect: 100-continue -----------------------------------------------------------------------------------------


EXPECTING = b"POST /upload HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"


@on_both_loops
async def test_a_client_that_waits_to_be_asked_for_its_body_is_asked() -> None:
    """FRM-32: once; the origin is asked, too, and one that says nothing gets the body all the same."""
    async with running() as wire:
        client = await wire.client()
        client.send(EXPECTING)
        assert (await client.interim()).line == b"HTTP/1.1 100 Continue"
        assert (await client.ask(b"hello")).status == 200
        (seen,) = wire.origin.requests
        assert (seen.body, seen.all(b"expect")) == (b"hello", [b"100-continue"])
        assert (await client.ask(GET)).status == 200


@on_both_loops
async def test_a_client_that_did_not_wait_is_not_asked() -> None:
    """RFC 9110 section 10.1.1: not where the body is there already."""
    async with running() as wire:
        assert (await wire.ask(EXPECTING + b"hello")).status == 200


@on_both_loops
async def test_a_body_that_nobody_wants_is_not_asked_for() -> None:
    """FRM-33: the final answer instead, and the end of the connection."""
    async with running() as wire:
        client = await wire.client()
        answer = await client.ask(EXPECTING.replace(b"/upload", b"/%2f"))
        assert (answer.status, answer.all(b"connection")) == (400, [b"close"])
        assert wire.origin.requests == []


@on_both_loops
async def test_an_old_client_is_never_sent_an_interim_answer() -> None:
    """RFC 9110 section 15.2: not to HTTP/1.0."""
    async with running() as wire:
        client = await wire.client()
        client.send(EXPECTING.replace(b"HTTP/1.1", b"HTTP/1.0"))
        await asyncio.sleep(0.05)
        assert (await client.ask(b"hello")).status == 200


@on_both_loops
async def test_an_origin_that_refuses_the_head_is_passed_on_and_the_rest_is_not_taken_for_a_request() -> None:
    """FRM-35: the body is never asked for."""

    async def refusing(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
        await reader.read(65536)
        await asyncio.sleep(0.1)

    async with running(Origin(script=refusing)) as wire:
        client = await wire.client()
        client.send(EXPECTING)
        answer = await client.answer()
        assert (answer.status, answer.all(b"connection")) == (401, [b"close"])
        client.send(b"GET /")
        assert await client.ended() == b""
        await wire.quiet()
        assert [wire.pools[0].idle_count, len(wire.records)] == [0, 1]


# ---- bodies -------------------------------------------------------------------------------------------------------


@on_both_loops
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
async def test_a_large_upload_arrives_whole_and_is_held_back_while_the_origin_does_not_read(
    *, chunked: bool
) -> None:
    """Backpressure: what the gateway takes ahead of the origin is bounded."""
    size = 24 << 20
    piece = bytes(range(256)) * 256
    reading = asyncio.Event()
    got = 0

    async def slow(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal got
        await reader.readuntil(b"\r\n\r\n")
        await reading.wait()
        while got < size:
            got += len(await reader.read(1 << 20))
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")

    async with running(Origin(script=slow), route={"max_body": False}) as wire:
        client = await wire.client()
        sent = 0

        async def send() -> None:
            nonlocal sent
            framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % size
            client.send(b"POST / HTTP/1.1\r\n" + HOST + framing + b"\r\n\r\n")
            while sent < size:
                client.send(b"10000\r\n" + piece + b"\r\n" if chunked else piece)
                sent += len(piece)
                await client.writer.drain()
            if chunked:
                client.send(b"0\r\n\r\n")

        sending = asyncio.create_task(send())
        await asyncio.sleep(0.3)
        assert sent < size * 0.75  # the buffers of four sockets, and ours
        reading.set()
        await sending
        assert (await client.answer()).status == 200
        await wire.quiet()
        assert size == wire.records[0]["bytes_in"]


@on_both_loops
async def test_a_body_in_tiny_chunks_does_not_hold_up_the_others() -> None:
    """FRM-13: a megabyte of one byte each."""
    async with running() as wire:
        client = await wire.client()
        count = 300_000
        body = b"1\r\nx\r\n" * count + b"0\r\n\r\n"
        client.send(b"POST /chunks HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n")
        async with Stalls() as stalls:
            client.send(body)
            assert (await client.answer()).status == 200
        assert count == len(wire.origin.requests[0].body)
        # seconds, on a machine that is busy with other things
        assert stalls.longest < 3


@on_both_loops
async def test_a_long_extension_of_a_chunk_is_refused() -> None:
    """FRM-12: bytes that are nobody's body are bounded; short ones are dropped."""
    for position, size in ((0, 9000), (100, 100_000)):
        async with running() as wire:
            client = await wire.client()
            client.send(b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
            await until(lambda wire=wire: wire.origin.connections)  # type: ignore[misc]
            await client.cut(b"5;" + b"x" * size + b"\r\nhello\r\n", *([position] if position else []))
            assert (await client.answer()).status == 400
            await until(lambda wire=wire: wire.origin.cut == 1)  # type: ignore[misc]


@on_both_loops
async def test_two_answers_to_two_clients_are_not_mixed_up() -> None:
    """UPS-14: many at once over few connections, each with its own."""

    def echo(request: Message) -> bytes:
        target = request.target
        return b"HTTP/1.1 200 OK\r\nSet-Cookie: user=%b\r\nContent-Length: %d\r\n\r\n%b" % (
            target,
            len(target),
            target,
        )

    async with running(Origin(echo)) as wire:
        clients = [await wire.client() for _ in range(20)]

        async def ask(number: int) -> None:
            for turn in range(20):
                target = b"/%d/%d" % (number, turn)
                answer = await clients[number].ask(b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"\r\n")
                assert (target, [b"user=" + target]) == (answer.body, answer.all(b"set-cookie"))

        await asyncio.gather(*map(ask, range(20)))
        assert all(not seen.all(b"cookie") for seen in wire.origin.requests)
        assert wire.origin.connections <= 20
