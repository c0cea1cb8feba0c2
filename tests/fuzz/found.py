"""What the fuzzing has found, or would have, by name: each is tried again for ever, in both directions and in every division."""

from collections.abc import Mapping
from typing import Final

from tests.fuzz import answers, requests
from tests.fuzz.answers import Asked
from tests.fuzz.requests import Behaviour


REQUESTS: Final[Mapping[str, requests.Case]] = {
    "a length that no signed number holds": requests.Case(
        b"DELETE /a HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9223372036854775808\r\n\r\nhello"
    ),
    "a body behind what the gateway answers by itself": requests.Case(
        b"OPTIONS * HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhelloGET /a HTTP/1.1\r\nHost: a.test\r\n\r\n",
        cuts=(60,),
    ),
    "a malformed body behind what the gateway answers by itself": requests.Case(
        b"OPTIONS * HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"
    ),
    "a coding twice, and a blank behind the first": requests.Case(
        b"POST /a HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\t\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"5\r\nhello\r\n0\r\n\r\n"
    ),
    "an answer before a body that turns out to be malformed": requests.Case(
        b"POST /a HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nx\r\n",
        Behaviour.EARLY,
        (57, 70),
    ),
    "an expected body that comes byte by byte": requests.Case(
        b"PUT /a HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello"
    ),
    "a body behind a head that asks for an upgrade": requests.Case(
        b"POST /a HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        b"HTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: 5\r\n\r\nhelloGET /b HTTP/1.1\r\nHost: a.test\r\n\r\n",
        upgrades=True,
    ),
}
ANSWERS: Final[Mapping[str, answers.Case]] = {
    "a reset is no end of a body that ends with its connection": answers.Case(
        b"HTTP/1.1 200 OK\r\n\r\nhello", ending="rst"
    ),
    "the size of a chunk behind an answer to HEAD": answers.Case(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5", Asked.HEAD
    ),
    "the size of a chunk behind an answer to HEAD whose head ends in two pieces": answers.Case(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n", Asked.HEAD, (46,)
    ),
    "the last chunk behind an answer to HEAD": answers.Case(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Asked.HEAD
    ),
    "a control character in the reason of a switch": answers.Case(
        b"HTTP/1.1 101 \x01\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
        Asked.SWITCH,
    ),
    "a control character in the reason of an interim answer": answers.Case(
        b"HTTP/1.1 103 \x01\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    ),
    "a line feed behind a body": answers.Case(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok\n", Asked.POST, (42,)
    ),
    "a line end behind an answer without a body": answers.Case(
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n\r\n"
    ),
    "another switch of protocols behind an answer": answers.Case(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 101 Switching Protocols\r\n"
        b"Connection: upgrade\r\nUpgrade: h2c\r\n\r\n",
        Asked.SWITCH,
    ),
    "bytes behind a 101 with the end of their connection": answers.Case(
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nhello",
        Asked.SWITCH,
    ),
    "an interim answer that says that it comes in chunks": answers.Case(
        b"HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    ),
    "chunks that break off, for a client that knows none": answers.Case(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", Asked.OLD, (47,)
    ),
}
