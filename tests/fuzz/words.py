"""The words that messages are made of, and mutated with: good ones first, and then those that readers differ about."""

from typing import Final


# fmt: off
# tables, of which each line would become twenty
METHODS: Final = (
    b"GET", b"POST", b"PUT", b"HEAD", b"DELETE", b"OPTIONS", b"PATCH", b"QUERY", b"TRACE", b"CONNECT",
    b"PROPFIND", b"get", b"PRI", b"M-SEARCH", b"GE T", b"G@T", b"",
)
"""Seven good ones first."""
TARGETS: Final = (
    b"/a", b"/", b"/a?b=c", b"/a/../b", b"/a%2fb", b"/a//b", b"/a;b", b"/a%00", b"*", b"http://a.test/a",
    b"http://a.test", b"a", b"https://a.test/", b"/a#b", b"/a\xffb", b"//b.test/a", b"http://u@a.test/",
    b"/a b", b"a.test:443", b"", b"/%zz", b"/?", b"?a", b"HTTP://A.test/x?y", b"http://b.test/?x",
    b"http://a.test:80?x", b"/a\x7f", b"/\\a", b"/a?b#c", b"/a?\xe4", b"/a%", b"/.", b"/a/..",
)
"""Six good ones first."""
VERSIONS: Final = (
    b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/0.9",
    b"http/1.1", b"HTTP/1.10", b"HTTP/01.1", b"HTTP/1", b"", b"HTTP/1.1 ", b"ICE/1.0", b"RTSP/1.0",
)
"""Five good ones first."""
HOSTS: Final = (
    b"Host: a.test", b"Host: a.test:80", b"host:a.test", b"Host: [::1]:80", b"Host: a.test.", b"Host: a b",
    b"Host: u@a.test", b"Host: a.test, b.test", b"Host:", b"Host: a.test:99999", b"Host: a/b",
    b"Host : a.test", b"Host: \x00", b"HOST: A.TEST",
)
"""Four good ones first."""
STATUSES: Final = (
    b"200 OK", b"200", b"200 ", b"204 No Content", b"304 Not Modified", b"404 Not Found", b"500 Oh",
    b"206 Partial Content", b"100 Continue", b"103 Early Hints", b"101 Switching Protocols",
    b"102 Processing", b"199 X", b"600 X", b"99 X", b"0200 OK", b"200 \xff", b"200 a\tb", b"+200 OK",
    b"2e2 OK", b"20 OK", b"2000 OK", b"200  OK", b"200\tOK", b"205 Reset Content", b"301 Moved",
)
"""Eight good ones first."""
PLAIN: Final = (
    b"User-Agent: fuzz", b"Accept: */*", b"X-One: 1", b"X-Two: a, b", b"Cookie: a=b; c=d", b"X-Empty:",
    b"X-Obs: \xe4",
)
"""Fields that mean nothing to a gateway."""
FIELDS: Final = (
    b"Content-Length: 0", b"Content-Length: 5", b"Content-Length: 6", b"content-length: 5",
    b"Content-Length : 5", b"Content-Length: 5, 5", b"Content-Length:5", b"Content-Length:\t5",
    b" Content-Length: 5", b"Content_Length: 5", b"Transfer-Encoding: chunked",
    b"transfer-encoding: Chunked", b"Transfer-Encoding : chunked", b"Transfer-Encoding: chunked, chunked",
    b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: identity", b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding:\x0bchunked", b"Transfer-Encoding: chunked;a=b", b"Transfer-Encoding: \tchunked",
    b"Transfer-Encoding: chunked\t", b"Transfer-Encoding:\r\n chunked", b"Transfer-Encoding: ,chunked",
    b"Transfer-Encoding: chunked,", b"Transfer-Encoding:", b"Transfer_Encoding: chunked",
    b"Connection: close", b"Connection: keep-alive", b"Connection: Content-Length", b"Connection: upgrade",
    b"Connection: te", b"Connection: Transfer-Encoding", b"Connection: Host", b"Connection: ,",
    b"Connection: close, close", b"Connection: X-One", b"Upgrade: websocket", b"Upgrade: h2c",
    b"TE: trailers", b"Trailer: X-Sum", b"Expect: 100-continue", b"Expect: x", b"Host: a.test",
    b"Host: b.test", b"Host:", b"host: a.test", b"X-One: 1", b"X-One:", b"X-One: \xff", b"X-One:1", b": 1",
    b"X", b" folded", b"\tfolded", b"X-One : 1", b"X One: 1", b"X-One:\x001", b"X-One: a\rb",
    b"X-One: a\nb", b"Proxy-Connection: close", b"Keep-Alive: timeout=5", b"X-Forwarded-For: 1.2.3.4",
    b"X-User-Id: admin", b"Max-Forwards: 0", b"Via: 1.1 x", b"Cookie: a=b", b"Sec-WebSocket-Version: 13",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", b"Content-Type: text/plain", b"Range: bytes=0-1",
    b"Set-Cookie: a=b", b"Location: /", b"Content-Encoding: gzip", b"HTTP2-Settings: AAMAAABkAAQ",
    b"X-Request-Id: x", b"Date: x",
)
"""Fields that mean something to it; the first 22 frame bodies."""
NUMBERS: Final = (
    b"0", b"1", b"2", b"3", b"5", b"6", b"10", b"00", b"05", b"+5", b"-1", b"-0", b"0x5", b"5_0", b"1e1",
    b"5.0", b"", b" 5", b"5 ", b"5, 5", b"5,6", b"9999999999999999999", b"99999999999999999999",
    b"9999999999999999999999999999999999999999", b"2147483648", b"4294967296", b"4294967301",
    b"9223372036854775807", b"9223372036854775808", b"18446744073709551615", b"18446744073709551616",
    b"18446744073709551621", b"FFFFFFFF", b"FFFFFFFFFFFFFFF", b"FFFFFFFFFFFFFFFF", b"FFFFFFFFFFFFFFFFF",
    b"f", b"a", b"A", b"\xef\xbc\x95", b"\xb2",
)
"""What lengths are replaced by."""
CHUNKS: Final = (
    b"0\r\n\r\n", b"5\r\nhello\r\n", b"1\r\nx\r\n", b"0\r\nX-Sum: 1\r\n\r\n", b"5;a=b\r\nhello\r\n",
    b"05\r\nhello\r\n", b"5\nhello\r\n", b"5\r\nhello\n", b"5 \r\nhello\r\n", b"0x5\r\nhello\r\n",
    b"+5\r\nhello\r\n", b"5\r\nhellohello\r\n", b"0\n\n", b"0\r\n\n", b"0\r\n", b"00\r\n\r\n",
    b"0;x\r\n\r\n", b"0\r\nContent-Length: 5\r\n\r\n", b"a\r\n0\r\n\r\nGET /\r\n",
    b'5;a="\r\n"\r\nhello\r\n', b"5;\n\r\nhello\r\n", b"5\r\r\nhello\r\n", b"FFFFFFFFFFFFFFFF\r\nhello\r\n",
    b"-5\r\nhello\r\n", b"0\r\nTransfer-Encoding: chunked\r\n\r\n", b"0\r\n X: folded\r\n\r\n",
    b"0\r\nX-Sum\r\n\r\n", b"0\r\nHost: b.test\r\n\r\n", b"\r\n",
    b"5\r\nhelloXX", b"5\r\nhello\rX", b"5\r\nhelloX\n", b"5\r\nhello\n\n",
)
"""What stands in bodies; four good ones first."""
ODD: Final = (
    b"\r", b"\n", b"\r\n", b" ", b"\t", b"\x00", b"\x0b", b"\x0c", b"\x7f", b"\x80", b"\xff", b"\x85",
    b"\xa0", b"\x1f", b"\x01", b":", b",", b";", b"=", b'"', b"\\", b"/", b"#", b"?", b"%", b"@", b"[",
    b"0", b"+", b"-", b"_", b"\r\r\n", b"\n\r", b"\r\n\r\n", b"\n\n", b"\r\n ", b"\r\n\t", b"\xe2\x80\xa8",
    b"\xc0\x8a", b"%0d%0a", b"\\r\\n",
)
"""What is inserted between other bytes."""
# fmt: on
