"""Random configurations as plain data: valid ones, and what becomes of any when something in it is changed."""

import copy
import json
from typing import Any, Final

from hypothesis import strategies as st


Data = dict[str, Any]

DURATIONS: Final = st.sampled_from(["250ms", "5s", "1.5m", "1h30m", "7d"])
SIZES: Final = st.sampled_from(["512B", "8KiB", "16MiB", "1GiB"])
SHARES: Final = st.sampled_from(["0.5%", "20%", "100%"])
HOSTS: Final = st.sampled_from(["a.example", "b.example", "*.example.com", "*"])
METHODS: Final = st.sampled_from(["GET", "PUT", "POST", "DELETE", "M-SEARCH"])
NETWORKS: Final = st.sampled_from(["10.0.0.0/8", "192.0.2.1", "2001:db8::/32"])
WORDS: Final = st.text("abc-1./", max_size=5)
NAMES: Final = st.sampled_from(["users", "orders", "pay_ments", "a", "b-2", "c3"])
PREFIXES: Final = st.sampled_from(["/a", "/b/c", "/users"])
TEMPLATES: Final = st.sampled_from(["/a/{id:int}", "/{x}/b/**", "/{v:v1|v2}/c", "/**", "/d/{s:slug}", "/e f"])


def some(**values: st.SearchStrategy[Any]) -> st.SearchStrategy[Data]:
    """A mapping with some of these keys."""
    return st.fixed_dictionaries({}, optional=values)


def one_or_list(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A value, or a list of some."""
    return values | st.lists(values, min_size=1, max_size=3)


MATCHERS: Final = st.recursive(
    WORDS
    | st.sampled_from(
        [
            {"exact": ""},
            {"prefix": "a"},
            {"suffix": "b"},
            {"contains": "c"},
            {"present": True},
            {"regex": "[a-c]+"},
        ]
    ),
    lambda inner: st.fixed_dictionaries({"not": inner}),
    max_leaves=2,
)
PATHS: Final = st.one_of(
    TEMPLATES,
    PREFIXES.map(lambda path: {"exact": path}),
    PREFIXES.map(lambda path: {"prefix": path}),
    st.sampled_from([{"regex": "/r/(?P<id>[0-9]+)"}, {"suffix": ".png"}, {"not": ["/n", {"contains": "x"}]}]),
)


def conditions(*, share: bool) -> st.SearchStrategy[Any]:
    """Conditions, also negated ones; with a share they are for what runs."""
    keys: dict[str, st.SearchStrategy[Any]] = {
        "path": one_or_list(PATHS),
        "host": one_or_list(HOSTS),
        "method": one_or_list(METHODS),
        "scheme": st.sampled_from(["http", "https", ["http", "https"]]),
        "header": st.dictionaries(st.sampled_from(["x-a", "X-B"]), one_or_list(MATCHERS), min_size=1),
        "query": st.dictionaries(WORDS, one_or_list(MATCHERS), min_size=1, max_size=2),
        "cookie": st.dictionaries(WORDS, one_or_list(MATCHERS), min_size=1, max_size=2),
        "address": one_or_list(NETWORKS),
        "country": one_or_list(st.sampled_from(["DE", "NO"])).map(
            lambda codes: codes if isinstance(codes, list) else [codes]
        ),
        **({"share": SHARES} if share else {}),
    }
    plain = some(**keys).filter(bool)
    return st.recursive(
        plain,
        lambda inner: st.builds(lambda outer, negated: {**outer, "not": negated}, plain, one_or_list(inner)),
        max_leaves=3,
    )


@st.composite
def filters(draw: st.DrawFn, names: st.SearchStrategy[str]) -> list[Any]:
    """A list of filters with names of their own."""
    kinds = st.one_of(
        st.just({"stamp": {}}),
        st.builds(lambda size: {"limit": size}, SIZES),
        st.builds(
            lambda options: {"limit": options}, some(most=SIZES, mode=st.sampled_from(["drop", "wait"]))
        ),
        st.just({"set": {"request": {"x-id": "{request.id}"}, "response": ["{header.x-a}"]}}),
        st.just({"transform": {"request": {"headers": {"remove": ["x-a"], "set": {"x-b": "{route}"}}}}}),
    )
    found = []
    for name in draw(st.lists(names, unique=True, max_size=3)):
        shared = some(when=conditions(share=True), if_error=st.sampled_from(["fail", "skip"]))
        found.append({**draw(kinds), "name": name, **draw(shared)})
    return found


CONCURRENCY: Final = st.sampled_from([500, {"limit": 1}, {"limit": 9, "queue": 5, "wait": "1s"}])
WEBSOCKETS: Final = st.sampled_from(
    [False, {"protocols": ["mqtt", "stomp/1.2"], "lifetime": "1h"}, {"protocols": ["x"]}]
)
"""None that begin with GET: the methods of routes are drawn, too."""

FAILURES: Final = st.lists(
    st.sampled_from(["connect", "reset", "timeout", "unavailable", "5xx", 429, 503]), min_size=1, max_size=3
)
BALANCERS: Final = st.sampled_from(
    [
        "least_connections",
        "weighted_round_robin",
        True,
        {"hash": "address"},
        {"hash": {"by": "header.x", "bounded": "150%"}, "slow_start": "5s"},
        {"cookie": {"ttl": "1h"}, "panic_below": "30%"},
        {"slow_start": "1m"},
    ]
)
CHECKS: Final = st.sampled_from(
    [
        False,
        True,
        "/ready",
        "tcp",
        {"every": "5s"},
        {"http": {"path": "/up", "statuses": [200, 204]}, "timeout": "1s", "healthy_after": 1},
        {"knock": "well"},
    ]
)
SERVICES: Final = st.one_of(
    st.sampled_from(["http://one", "https://two:8443", "unix:///run/three.sock"]),
    st.builds(
        lambda urls, rest: {"instances": [{"url": url} for url in urls], **rest},
        st.lists(st.sampled_from(["http://a", "http://b:81", "https://c"]), unique=True, min_size=1),
        some(
            balance=BALANCERS,
            health=CHECKS,
            outliers=st.booleans() | some(failure_rate=SHARES, failures=FAILURES, eject_for=DURATIONS),
            timeouts=some(
                connect=DURATIONS, read=DURATIONS, first_byte=DURATIONS, total=DURATIONS | st.just(False)
            ),
            retries=st.integers(0, 3) | some(backoff=DURATIONS, budget=SHARES, **{"if": FAILURES}),
            concurrency=CONCURRENCY,
            pool=some(max_connections=st.integers(1, 99), idle=DURATIONS),
            host_header=st.sampled_from(["client", "upstream", "a.example"]),
            description=WORDS,
            labels=st.dictionaries(WORDS, WORDS, max_size=2),
            filters=filters(st.sampled_from(["s1", "s2"])),
        ),
    ),
)


@st.composite
def routes(draw: st.DrawFn, services: list[str], priority: int) -> Data:
    """A route to some of the services; ranks differ, so that no two routes are equal."""
    # the path of the first alternative is one that nobody else has
    match: Any = draw(conditions(share=False))
    target = st.sampled_from(services)
    weights = st.dictionaries(target, st.integers(1, 100), min_size=1, max_size=3)
    to: Any = draw(target | weights)
    return {
        "match": {**match, "path": f"/unique/{priority}/**"},
        "to": to,
        "priority": priority,
        **draw(
            some(
                rewrite=st.sampled_from(
                    ["/{path.rest}", {"prefix": "/v2"}, {"strip": "/unique", "method": "POST"}]
                ),
                filters=filters(st.sampled_from(["r1", "r2", "r3"])),
                encoded_slashes=st.sampled_from(["keep", "reject"]),
                max_body=SIZES | st.just(False),
                websocket=WEBSOCKETS,
            )
        ),
        **({"sticky": "header.x-user"} if isinstance(to, dict) and len(to) > 1 else {}),
    }


@st.composite
def configurations(draw: st.DrawFn) -> Data:
    """A whole configuration in which nothing is wrong."""
    services = draw(st.dictionaries(NAMES, SERVICES, min_size=1, max_size=4))
    names = draw(st.lists(NAMES, unique=True, max_size=3))
    return {
        "version": 1,
        "services": services,
        "routes": {name: draw(routes(list(services), index)) for index, name in enumerate(names)},
        **draw(
            some(
                server=some(
                    listen=st.sampled_from([8080, "127.0.0.1:0", {"main": 80, "other": "[::1]:81"}]),
                    drain=DURATIONS,
                    timeouts=some(head=DURATIONS, idle=DURATIONS),
                    limits=some(target=SIZES, body_rate=SIZES | st.just(False)),
                    concurrency=CONCURRENCY,
                    half_close=DURATIONS | st.sampled_from(["wait", "abort"]),
                    underscore_headers=st.sampled_from(["keep", "reject"]),
                    trusted_proxies=st.lists(NETWORKS, max_size=2),
                    health_path=st.sampled_from(["/up", False]),
                ),
                admin=st.sampled_from([True, {"listen": False}, {"listen": "127.0.0.1:9901"}]),
                filters=filters(st.sampled_from(["g1", "g2"])),
                defaults=some(
                    services=some(
                        timeouts=some(write=DURATIONS),
                        health=CHECKS,
                        balance=BALANCERS,
                        retries=st.integers(0, 3),
                        outliers=st.booleans(),
                    ),
                    routes=some(encoded_slashes=st.just("keep"), max_body=SIZES, websocket=WEBSOCKETS),
                ),
                **{"x-note": st.just([1, {"a": "b"}])},
            )
        ),
    }


# ---- changes --------------------------------------------------------------------------------------------------------

SCALARS: Final = st.one_of(
    st.booleans(),
    st.integers(-1, 70000),
    st.floats(0, 1e6, allow_nan=False),
    st.text(max_size=4),
    st.sampled_from(
        ["", "yes", "NO", "5s", "/x", "{path.x}", "${X}", "{{", "*", "http://a", "users", "1e3", "[", "é"]
    ),
)
ANYTHING: Final = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4) | NAMES, inner, max_size=3)
    ),
    max_leaves=4,
)


@st.composite
def mutated(draw: st.DrawFn, data: Any) -> Any:
    """The data with a few nodes taken out, doubled, moved, renamed or replaced by something else."""
    whole = [copy.deepcopy(data)]
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(whole))
        holder, key = draw(st.sampled_from(places))
        _, other = draw(st.sampled_from(places))
        change = draw(st.sampled_from(["replace", "delete", "double", "rename", "wrap", "swap"]))
        value = holder[key]
        if change == "replace":
            holder[key] = draw(ANYTHING)
        elif change == "wrap":
            holder[key] = draw(st.sampled_from([[value], {"path": value}, {"not": value}, {"a": value}]))
        elif change == "swap":
            holder[key] = copy.deepcopy(draw(st.sampled_from([box[step] for box, step in places])))
        elif isinstance(holder, list):
            if change == "delete" and holder is not whole:
                del holder[key]
            elif change == "double" and holder is not whole:
                holder.insert(key, copy.deepcopy(value))
        elif change == "delete":
            del holder[key]
        else:
            holder[str(other) if change == "rename" else f"{key}-2"] = copy.deepcopy(value)
            if change == "rename":
                holder.pop(key, None)
    return whole[0]


def _places(holder: Any) -> Any:
    """All nodes, as the list or mapping that holds each and its key there."""
    steps = range(len(holder)) if isinstance(holder, list) else list(holder)
    for step in steps:
        yield holder, step
        if isinstance(holder[step], list | dict):
            yield from _places(holder[step])


@st.composite
def mutated_text(draw: st.DrawFn, text: str) -> str:
    """The text with lines taken out, doubled and indented otherwise, and a few characters that are others."""
    lines = text.split("\n")
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        line = lines[at]
        column = draw(st.integers(0, len(line)))
        lines[at : at + 1] = draw(
            st.sampled_from(
                [
                    [],
                    [line, line],
                    ["  " + line],
                    [line.removeprefix("  ")],
                    [line[:column]],
                    [line[:column] + line[column + 1 :]],
                    *([line[:column] + char + line[column:]] for char in "{}[]:,#&*!|>'\"%@` \t-$\x00é"),
                ]
            )
        )
        lines = lines or [""]
    return "\n".join(lines)


def as_text(data: Any) -> str:
    """The data as JSON, a key on a line."""
    return json.dumps(data, indent=1, ensure_ascii=False)
