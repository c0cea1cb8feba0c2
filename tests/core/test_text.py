"""Texts with placeholders."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.chain import Chain
from gatekeeper.core.exchange import Attempt, Exchange, Route
from gatekeeper.core.identity import Consumer
from gatekeeper.core.instance import Instance
from gatekeeper.core.message import Response
from gatekeeper.core.text import BadPlaceholderError, Text, Value, cookie_value, query_value
from gatekeeper.testing import make_exchange


async def nothing(exchange: Exchange) -> Response:
    return Response(200)


@pytest.fixture
def exchange() -> Exchange:
    """One that has been all the way to an instance."""
    exchange = make_exchange(
        "PUT",
        "/users/7?q=a%20b&q=2&empty=",
        {"X-Tenant": "acme", "Cookie": 'a=1; session="s 1"'},
        host="Example.com:8080",
        captures={"id": "7"},
        exchange_id="id-1",
    )
    exchange.route = Route("users", Chain(nothing))
    exchange.service = "people"
    exchange.attempts.append(Attempt(exchange, Instance("people", "a", "http", "192.0.2.1", 80), 1, 0.0))
    return exchange


@pytest.mark.parametrize(
    ("source", "rendered"),
    [
        ("", ""),
        ("plain", "plain"),
        ("{request.id}", "id-1"),
        (
            "{request.method} {request.scheme}://{request.host}{request.path}",
            "PUT http://example.com/users/7",
        ),
        ("<{address}>", "<203.0.113.7>"),
        ("{route}/{service}/{instance}", "users/people/a"),
        ("{path.id}{path.other}", "7"),
        ("{query.q}|{query.empty}|{query.none}", "a b||"),
        ("{header.x-tenant}{header.X-TENANT}{header.none}", "acmeacme"),
        ("{cookie.session}{cookie.a}{cookie.none}", "s 11"),
    ],
)
def test_placeholders_are_filled_in(exchange: Exchange, source: str, rendered: str) -> None:
    """What is not there is empty."""
    assert rendered == Text(source).render(exchange)


@pytest.mark.parametrize("source", ["{route}", "{service}", "{instance}"])
def test_what_is_not_known_yet_is_empty(source: str) -> None:
    """Before a route was found, say."""
    assert not Text(source).render(make_exchange())


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{nothing}", "`{nothing}` is no value; there are request.id"),
        ("{path}", "is no value"),
        ("{path.}", "is no value"),
        ("{}", "is no value"),
        ("{request.body}", "is no value"),
        ("{consumer.name}", "`{consumer.name}` is no value"),
        ("{consumer.labels}", "is no value"),
        ("{consumer.labels.}", "is no value"),
        ("{claim}", "is no value"),
        ("{claim.}", "is no value"),
        ("{authenticator.name}", "is no value"),
        ("{tenant}", "`{tenant}` is not available yet"),
        ("{{ user }}", "Jinja2 lives in `template:`"),
        ("a {", "stands alone"),
        ("a } b", "stands alone"),
        ("{a{request.id}", "stands alone"),
    ],
)
def test_what_cannot_be_filled_in_is_refused_when_it_is_read(source: str, message: str) -> None:
    """Never while a request waits."""
    with pytest.raises(BadPlaceholderError) as caught:
        Text(source)

    assert message in str(caught.value)


@given(st.text(st.characters(exclude_characters="{}")))
def test_a_text_without_placeholders_is_itself(source: str) -> None:
    """And says so, so that work can be done once."""
    text = Text(source)

    assert (source, (), source) == (text.constant, text.names, text.render(make_exchange()))


def test_texts_are_equal_by_what_was_written() -> None:
    """So that configurations can be compared."""
    first, second = Text("{path.id}"), Text("{path.id}")

    assert first == second
    assert hash(first) == hash(second)
    assert first != Text("x")
    assert first != "{path.id}"
    assert "Text('{path.id}')" == repr(first)
    assert (None, ("path.id",)) == (first.constant, first.names)


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("a=1", "1"),
        ("b=2&a=1&a=3", "1"),
        ("%61=x+y", "x y"),
        ("a", ""),
        ("", ""),
        ("aa=1", ""),
        ("a=1=2", "1=2"),
    ],
)
def test_a_query_value_is_the_first_of_its_name(query: str, value: str) -> None:
    """Decoded as forms are."""
    assert value == query_value(query, "a")


@pytest.mark.parametrize(
    ("cookie", "value"),
    [
        ("a=1", "1"),
        ("b=2; a=1", "1"),
        ("b=2;a=1", "1"),
        ('a="1"', "1"),
        ("", ""),
        ("aa=1", ""),
        ("a=1=2", "1=2"),
    ],
)
def test_a_cookie_value_is_the_first_of_its_name(cookie: str, value: str) -> None:
    """RFC 6265 section 4.2, as browsers write them."""
    assert value == cookie_value(cookie, "a")


@pytest.mark.parametrize(
    ("source", "read"),
    [
        ("header.x-tenant", "acme"),
        ("path.id", "7"),
        ("cookie.a", "1"),
        ("query.q", "a b"),
        ("header.x-nothing", ""),
        ("route", "users"),
    ],
)
def test_a_value_is_read_by_its_name(exchange: Exchange, source: str, read: str) -> None:
    """Without braces, where only a value can stand."""
    value = Value(source)

    assert read == value.read(exchange)
    assert (source, f"Value({source!r})") == (str(value), repr(value))
    assert Value.parse(source) == value
    assert hash(Value(source)) == hash(value)
    assert value != source


@pytest.mark.parametrize(
    ("client", "read"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_the_value_of_an_address_is_that_of_a_host(exchange: Exchange, client: str, read: str) -> None:
    """A host has 2^64 addresses of version 6 to choose from; in a text the address is whole."""
    exchange.request.client = client

    assert read == Value("address").read(exchange)
    assert client == Text("{address}").render(exchange)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{header.x}", "a value stands without braces here: write `header.x`"),
        ("{consumer}", "a value stands without braces here: write `consumer`"),
        ("tenant", "`{tenant}` is not available yet"),
        ("header", "`{header}` is no value; there are "),
    ],
)
def test_what_is_no_value_is_refused(source: str, message: str) -> None:
    """With what to write."""
    with pytest.raises(BadPlaceholderError) as caught:
        Value(source)

    assert str(caught.value).startswith(message)


def test_cookies_of_several_lines_are_one_list(exchange: Exchange) -> None:
    """All of them go to the service, so all of them count; the first of a name wins."""
    exchange.request.headers.add(b"Cookie", b"b=2; a=3")

    assert ("1", "2") == (Value("cookie.a").read(exchange), Text("{cookie.b}").render(exchange))


@pytest.mark.parametrize(
    "thing", [Text("a {request.id} b {header.x-team}"), Value("path.id"), Value("address")]
)
def test_it_passes_between_processes(thing: Text | Value) -> None:
    """As what it says."""
    arrived = pickle.loads(pickle.dumps(thing))

    assert thing == arrived
    assert type(thing) is type(arrived)


# ---- who asks -------------------------------------------------------------------------------------------------------

SOMEBODY = Consumer(
    name="staff:u 17",
    authenticators=("staff", "keys"),
    roles=frozenset({"writer", "admin", "a,b"}),
    scopes=frozenset({"read", "write"}),
    plan="gold",
    labels={"team.eu": "blue"},
    claims={
        "sub": "u 17",
        "groups": ["x", "y,z", 3, True, None, {"a": 1}],
        "realm": {"roles": ["r1", "r2"]},
        "bad": "a\r\nX-Admin: 1",
        "half": "\ud800",
        "object": {"a": 1},
    },
)


@pytest.mark.parametrize(
    ("source", "rendered", "nobody"),
    [
        ("{consumer}", "staff:u 17", "anonymous"),
        ("{consumer.plan}", "gold", ""),
        ("{consumer.roles}", "a,b,admin,writer", ""),
        ("{consumer.scopes}", "read,write", ""),
        ("{consumer.labels.team.eu}{consumer.labels.none}", "blue", ""),
        ("{authenticator}", "staff", ""),
        ("{claim.sub}|{claim.none}|{claim.object}", "u 17||", "||"),
        ("{claim.groups}", "x,y,z,3,true", ""),
        ("{claim.realm.roles}", "r1,r2", ""),
    ],
)
def test_texts_say_who_asks(source: str, rendered: str, nobody: str) -> None:
    """Empty where nobody is proven to, but for the name."""
    assert rendered == Text(source).render(make_exchange(consumer=SOMEBODY))
    assert nobody == Text(source).render(make_exchange())


@pytest.mark.parametrize(
    ("source", "rendered"),
    [
        ("plain, {consumer}", "plain, staff:u%2017"),
        ("{consumer.roles}", "a%2Cb,admin,writer"),
        ("{consumer.scopes}", "read,write"),
        ("{consumer.plan} {authenticator}", "gold staff"),
        ("{claim.sub}", "u%2017"),
        ("{claim.groups}", "x,y%2Cz,3,true"),
        ("{claim.none}{claim.object}", ""),
        pytest.param("{claim.bad}", "a%0D%0AX-Admin:%201", id="FWD-08-lines"),
        pytest.param("{claim.half}", "%EF%BF%BD", id="FWD-08-halves"),
        pytest.param("{header.x-a}|{request.path}", "1%2C%202|/a%20b", id="what clients say"),
        ("{consumer.labels.team.eu}", "blue"),
    ],
)
def test_words_cannot_be_taken_for_others(source: str, rendered: str) -> None:
    """FWD-08: what is joined by a comma has none in it; rendered again and again it is the same."""
    exchange = make_exchange("GET", "/a%20b", {"X-A": "1, 2"}, consumer=SOMEBODY)
    text = Text(source)

    # the path is in its decision form, where `%` is one already
    expected = rendered.replace("/a%20b", "/a%2520b")
    assert [expected] * 2 == [text.render_words(exchange), text.render_words(exchange)]


@pytest.mark.parametrize("source", ["{consumer.roles}", "{claim.sub}", "{consumer.plan}", "{authenticator}"])
def test_of_nobody_there_are_no_words(source: str) -> None:
    """Nothing is told of whoever is not proven."""
    assert not Text(source).render_words(make_exchange())


def test_words_pass_between_processes() -> None:
    """Also after they were read."""
    text = Text("{consumer}")
    text.render_words(make_exchange(consumer=SOMEBODY))

    assert text == pickle.loads(pickle.dumps(text))


@pytest.mark.parametrize(
    ("client", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_who_is_nobody_counts_by_address(client: str, counted: str) -> None:
    """Or all who are nobody would share one limit; whoever is somebody counts by name, wherever it comes from."""
    assert counted == Value("consumer").read(make_exchange(client=client))
    assert "staff:u 17" == Value("consumer").read(make_exchange(client=client, consumer=SOMEBODY))
