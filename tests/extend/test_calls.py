"""Calls to other systems, which are slow, dead and wrong here: real servers, on both loops."""

import asyncio
import gc
import gzip
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.extend.calls import (
    LARGEST,
    CallFailed,
    Calls,
    Reply,
    SingleFlight,
    client_header,
    is_endpoint,
    json_object,
)
from gatekeeper.testing import FIN, HANG, RST, Origin, StartOrigin, Surroundings, answer


pytestmark = pytest.mark.both_loops

JSON = ("content-type", "application/json")


@pytest_asyncio.fixture
async def around() -> AsyncIterator[Surroundings]:
    """A gateway with a client."""
    surroundings = Surroundings()
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as surroundings.session:
        yield surroundings
    await surroundings.close()


def outcomes(around: Surroundings) -> dict[str, float]:
    samples = around.metrics.snapshot().get("gatekeeper_calls_total", {"samples": []})["samples"]
    assert {"test"} >= {sample["labels"]["caller"] for sample in samples}
    return {sample["labels"]["outcome"]: sample["value"] for sample in samples}


async def failure(calls: Calls, url: str, read: Callable[[Reply], Any] = json_object) -> CallFailed:
    with pytest.raises(CallFailed) as raised:
        await calls.ask(read, "GET", url)
    # an exception that quotes an answer must not hang on to this one
    assert raised.value.__suppress_context__ or raised.value.__context__ is None or raised.value.__cause__
    return raised.value


# ---- what is sent ---------------------------------------------------------------------------------------------------


async def test_a_form_is_sent_and_an_object_comes_back(around: Surroundings, origin: StartOrigin) -> None:
    """With the fields that are said, which win over its own."""
    server = (await origin()).always(answer(json={"a": [1, "é"]}))
    calls = Calls("test", around, timeout=5)

    found = await calls.ask(
        json_object,
        "POST",
        f"{server.url}/x?y=1",
        headers=[("accept", "application/json"), ("X-A", "1"), ("x-a", "2")],
        form=[("token", "a&b=c d"), ("b", "ä")],
    )

    assert {"a": [1, "é"]} == found
    request = server.request
    assert ("POST", "/x?y=1", b"token=a%26b%3Dc+d&b=%C3%A4") == (
        request.method,
        request.target,
        bytes(request.body),
    )
    assert "application/x-www-form-urlencoded" == request.get("Content-Type")
    assert (["application/json"], ["1", "2"]) == (request.get_all("Accept"), request.get_all("X-A"))
    assert ("identity", "gatekeeper") == (request.get("Accept-Encoding"), request.get("User-Agent"))
    assert {"ok": 1} == outcomes(around)


def test_a_client_proves_itself_by_encoded_words() -> None:
    """RFC 6749 section 2.3.1: both are encoded like values of a form, so that a `:` divides but once."""
    assert ("Authorization", "Basic YSUzQWIrYzpkJTI1ZQ==") == client_header("a:b c", "d%e")


# ---- what comes back ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "kind", "message"),
    [
        pytest.param(answer(500, json={}), "status", "it answered 500", id="OAU-01-500"),
        pytest.param(answer(204), "status", "it answered 204", id="204"),
        pytest.param(answer(401, json={}), "status", "it answered 401", id="401"),
        pytest.param(
            answer(302, {"location": "http://127.0.0.1:1/"}),
            "status",
            "it answered 302",
            id="JWT-14-redirect",
        ),
        pytest.param(
            answer(200, {"content-type": "text/html"}, b"<html>"), "answer", "no JSON", id="OAU-01-html"
        ),
        pytest.param(answer(200, (), b"{}"), "answer", "no JSON", id="no-type"),
        pytest.param(answer(200, [JSON, JSON], b"{}"), "answer", "no JSON", id="two-types"),
        pytest.param(answer(200, [JSON], b""), "answer", "no JSON", id="empty"),
        pytest.param(answer(200, [JSON], b'{"a":1'), "answer", "no JSON", id="half"),
        pytest.param(answer(200, [JSON], b"[]"), "answer", "no JSON object", id="list"),
        pytest.param(answer(200, [JSON], b'{"a":1,"a":2}'), "answer", "says something twice", id="twice"),
        pytest.param(answer(200, [JSON], b'{"b":[{"a":1,"a":1}]}'), "answer", "twice", id="twice-inside"),
        pytest.param(answer(200, [JSON], b'{"a":1,"\\u0061":2}'), "answer", "twice", id="twice-escaped"),
        pytest.param(answer(200, [JSON], b'{"a":NaN}'), "answer", "no JSON", id="nan"),
        pytest.param(answer(200, [JSON], b'{"exp":1e999}'), "answer", "no JSON", id="infinite"),
        pytest.param(answer(200, [JSON], b'{"exp":' + b"9" * 5000 + b"}"), "answer", "no JSON", id="digits"),
        pytest.param(answer(200, [JSON], b'{"a":"\\ud800"}'), "answer", "no JSON", id="half-surrogate"),
        pytest.param(answer(200, [JSON], b'{"a":"\xff"}'), "answer", "no JSON", id="no-utf-8"),
        pytest.param(answer(200, [JSON], b"[" * 60_000), "answer", "no JSON", id="deep"),
        pytest.param(
            answer(200, [JSON], b'{"a":"' + b"x" * LARGEST + b'"}'),
            "answer",
            "larger than",
            id="JWT-14-large",
        ),
        pytest.param(answer(200, [JSON], [b" " * 4096] * 100), "answer", "larger than", id="large-in-chunks"),
        pytest.param(
            answer(200, [JSON, ("content-encoding", "gzip")], gzip.compress(b"{}")),
            "answer",
            "compressed",
            id="compressed",
        ),
        pytest.param(b"SSH-2.0-OpenSSH\r\n\r\n", "answer", "no HTTP", id="no-http"),
        pytest.param(answer(200, [JSON], b"{}" + b" " * 50)[:-20], "unreachable", "broke off", id="cut"),
    ],
)
async def test_what_is_of_no_use_is_refused(
    around: Surroundings, origin: StartOrigin, raw: bytes, kind: str, message: str
) -> None:
    """OAU-01, JWT-14: and nothing of it is in the message."""
    server = (await origin()).always(raw, FIN)
    calls = Calls("test", around, timeout=5)

    found = await failure(calls, server.url)

    assert kind == found.kind
    assert message in str(found)
    assert {kind: 1} == outcomes(around)


@pytest.mark.parametrize(
    "kind", ["application/json", "application/jwk-set+json; charset=utf-8", "Application/JSON"]
)
async def test_json_has_several_names(around: Surroundings, origin: StartOrigin, kind: str) -> None:
    """RFC 6839 section 3.1."""
    server = (await origin()).always(answer(200, {"content-type": kind}, b'{"a": 1.5}'))

    assert {"a": 1.5} == await Calls("test", around, timeout=5).ask(json_object, "GET", server.url)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=20,
    )
)
def test_all_json_is_understood(value: Any) -> None:
    """As it was meant."""
    import json

    reply = Reply(
        200,
        [(b"Content-Type", b"application/json")],
        json.dumps({"v": value}).encode("utf-8", "surrogatepass"),
    )

    assert {"v": value} == json_object(reply)


# ---- who does not answer --------------------------------------------------------------------------------------------


async def test_nobody_is_there(around: Surroundings, origin: StartOrigin) -> None:
    """Which is said in words of the operating system."""
    server = await origin()
    server.stop_listening()

    found = await failure(Calls("test", around, timeout=5), server.url)

    assert ("unreachable", "connection refused") == (found.kind, str(found))


async def test_a_name_that_nobody_has(around: Surroundings) -> None:
    """RFC 6761 section 6.4."""
    found = await failure(Calls("test", around, timeout=5), "http://gatekeeper.invalid/")

    assert ("unreachable", "its host cannot be resolved") == (found.kind, str(found))


@pytest.mark.parametrize(
    "pieces", [(HANG,), (answer(json={})[:20], HANG), (answer(json={"a": 1})[:-3], HANG)]
)
async def test_who_is_too_slow_is_given_up(around: Surroundings, origin: StartOrigin, pieces: Any) -> None:
    """At whatever point, and the connection is not used again."""
    server = (await origin()).play(*pieces).always(answer(json={}))
    calls = Calls("test", around, timeout=0.05)

    found = await failure(calls, server.url)

    assert ("timeout", "no whole answer within 0.05 s") == (found.kind, str(found))
    assert {} == await Calls("test", around, timeout=5).ask(json_object, "GET", server.url)
    assert 2 == len(server.connections)


@pytest.mark.parametrize("end", [FIN, RST])
async def test_a_kept_connection_that_ends_is_no_outage(
    around: Surroundings, origin: StartOrigin, end: Any
) -> None:
    """Servers close what has been idle for too long just when it is used: the call is made again, once."""
    server = (await origin()).play(answer(json={})).play(end).play(answer(json={"n": 2})).always(end)
    calls = Calls("test", around, timeout=5)
    await calls.ask(json_object, "POST", server.url, form=[])

    assert {"n": 2} == await calls.ask(json_object, "POST", server.url, form=[])
    with pytest.raises(CallFailed, match=r"broke off|reset"):
        await calls.ask(json_object, "POST", server.url, form=[])
    assert 5 == len(server.requests)


async def test_no_cookie_is_kept(around: Surroundings, origin: StartOrigin) -> None:
    """What one answer says is of no other call."""
    server = (await origin()).always(answer(headers={"set-cookie": "a=b"}, json={}))
    calls = Calls("test", around, timeout=5)

    for _ in range(2):
        await calls.ask(json_object, "GET", server.url)

    assert None is server.requests[1].get("Cookie")


# ---- how many -------------------------------------------------------------------------------------------------------


async def test_no_more_calls_than_allowed_are_under_way(around: Surroundings, origin: StartOrigin) -> None:
    """OAU-02: the others wait in line, and who finds it full hears so at once."""
    go = asyncio.Event()
    server = (await origin()).always(go, answer(json={}))
    calls = Calls("test", around, timeout=5, limit=3, queue=4)

    tasks = [asyncio.create_task(calls.ask(json_object, "GET", server.url)) for _ in range(10)]
    await server.received(3)
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)

    assert 3 == len(done)
    assert ["busy"] * 3 == [getattr(task.exception(), "kind", "") for task in done]
    assert 3 == len(server.requests)
    go.set()
    assert [{}] * 7 == [await task for task in tasks if task not in done]
    assert {"busy": 3, "ok": 7} == outcomes(around)


async def test_who_waits_in_vain_hears_so(around: Surroundings, origin: StartOrigin) -> None:
    """A system that hangs does not make a line of the gateway."""
    server = (await origin()).always(HANG)
    calls = Calls("test", around, timeout=0.1, limit=1)

    first = asyncio.create_task(failure(calls, server.url))
    await server.received()
    calls._places.wait = 0.01

    assert "busy" == (await failure(calls, server.url)).kind
    assert "timeout" == (await first).kind


async def test_a_call_that_is_cancelled_leaves_its_place(around: Surroundings, origin: StartOrigin) -> None:
    """A client has hung up."""
    server = (await origin()).play(HANG).always(answer(json={}))
    calls = Calls("test", around, timeout=5, limit=1)
    first = asyncio.create_task(calls.ask(json_object, "GET", server.url))
    await server.received()

    first.cancel()

    assert {} == await calls.ask(json_object, "GET", server.url)
    assert first.cancelled()


# ---- what is told ---------------------------------------------------------------------------------------------------


async def test_failures_are_told_now_and_then(
    around: Surroundings, origin: StartOrigin, caplog: pytest.LogCaptureFixture
) -> None:
    """Once in a while for each kind, and when it is over."""
    server = (await origin()).always(answer(500, body=b"secret"))
    calls = Calls("test", around, timeout=5)
    caplog.set_level(logging.INFO)

    for _ in range(3):
        await failure(calls, f"{server.url}/?key=secret")
    around.fake_clock.advance(10)
    await failure(calls, server.url)
    server.always(answer(json={}))
    for _ in range(2):
        await calls.ask(json_object, "GET", server.url)

    assert ["test: it answered 500"] * 2 + ["test: what is called answers again"] == caplog.messages
    assert {"status": 4, "ok": 2} == outcomes(around)


async def test_a_gateway_that_stops_calls_nobody(around: Surroundings, origin: Origin) -> None:
    """Its client is closed by then."""
    assert around.session is not None
    await around.session.close()

    assert "unreachable" == (await failure(Calls("test", around, timeout=5), "http://127.0.0.1:1/")).kind


# ---- one for all ----------------------------------------------------------------------------------------------------


class Work:
    """Something to do that waits until it may end."""

    def __init__(self) -> None:
        self.begun = 0
        self.go = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self) -> int:
        self.begun += 1
        await self.go.wait()
        if self.error is not None:
            raise self.error
        return self.begun


async def test_all_who_want_the_same_wait_for_one(around: Surroundings) -> None:
    """OAU-02: and who comes later begins anew."""
    work, flights = Work(), SingleFlight[str, int]("test", around.spawn)
    tasks = [asyncio.create_task(flights.join("a", work)) for _ in range(500)]
    await asyncio.sleep(0)
    work.go.set()

    assert [1] * 500 == await asyncio.gather(*tasks)
    assert 0 == len(flights)
    assert 2 == await flights.join("a", work)


async def test_different_things_do_not_wait_for_each_other(around: Surroundings) -> None:
    """Each is a work of its own."""
    work, flights = Work(), SingleFlight[str, int]("test", around.spawn)
    work.go.set()

    assert {1, 2} == set(await asyncio.gather(flights.join("a", work), flights.join("b", work)))


async def test_who_gives_up_leaves_the_others(around: Surroundings) -> None:
    """Also the one who began."""
    work, flights = Work(), SingleFlight[str, int]("test", around.spawn)
    tasks = [asyncio.create_task(flights.join("a", work)) for _ in range(3)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    await asyncio.wait(tasks[:1])
    work.go.set()

    assert [1, 1] == await asyncio.gather(*tasks[1:])
    assert tasks[0].cancelled()


async def test_what_nobody_waits_for_any_more_goes_on(around: Surroundings) -> None:
    """What comes of it is good for the next; that it failed is no loose end."""
    work, flights = Work(), SingleFlight[str, int]("test", around.spawn)
    work.error = CallFailed("status", "no")
    task = asyncio.create_task(flights.join("a", work))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    flights.begin("a", work)
    work.go.set()

    await asyncio.wait(list(around.tasks.values()))

    assert (1, 0) == (work.begun, len(flights))


async def test_a_failure_that_nobody_waited_for_is_no_loose_end(around: Surroundings) -> None:
    """It was work beside requests."""
    loose: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, found: loose.append(found))
    work, flights = Work(), SingleFlight[str, int]("test", around.spawn)
    work.error = CallFailed("status", "no")
    work.go.set()
    flights.begin("a", work)

    await asyncio.wait(list(around.tasks.values()))
    await asyncio.sleep(0)
    del work  # whose error knows the frames that it has passed
    gc.collect()

    assert [] == loose


async def test_a_failure_is_one_of_all_who_wait(around: Surroundings) -> None:
    """And of nobody who comes later."""
    work, flights = Work(), SingleFlight[str, int]("test", around.spawn)
    work.error = CallFailed("status", "no")
    work.go.set()

    found = await asyncio.gather(*(flights.join("a", work) for _ in range(3)), return_exceptions=True)
    work.error = None

    assert [CallFailed] * 3 == [type(one) for one in found]
    assert 2 == await flights.join("a", work)


@pytest.mark.parametrize("begun", [False, True], ids=["before", "after"])
async def test_a_gateway_that_stops_keeps_nobody_waiting(around: Surroundings, *, begun: bool) -> None:
    """Also where the work was to begin in that moment."""
    flights = SingleFlight[str, int]("test", around.spawn)
    flight = flights.begin("a", Work())
    if begun:
        await asyncio.sleep(0)
    around.tasks["test"].cancel()

    with pytest.raises(CallFailed, match="the gateway stops"):
        await flight


# ---- addresses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://a:8080/b?c=d", ""),
        ("https://[::1]/", ""),
        ("http://a b/", "no spaces"),
        ("http://ä/", "no spaces"),
        ("ftp://a/", "begins with `http://`"),
        ("a", "begins with `http://`"),
        ("http:///x", "begins with `http://`"),
        ("http://a:b/", "this is no address"),
        ("http://me:secret@a/", "no user and no password; do this"),
        ("http://a/#b", "behind `#`"),
    ],
)
def test_what_an_address_is(url: str, message: str) -> None:
    """One of the web, with nothing in it that is not sent, or not secret."""
    check: Any = is_endpoint("do this")
    if not message:
        check(None, None, url)
        return
    with pytest.raises(ValueError, match=message) as raised:
        check(None, None, url)
    assert "secret" not in str(raised.value)
