"""Random routes and requests that meet often, for comparison of the table with brute force."""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from tests.routing.brute import Asked, Route


METHODS = ["GET", "HEAD", "POST", "PUT"]
SEGMENTS = ["a", "a", "b", "7", "users", "2026-01-31"]
TEMPLATE_SEGMENTS = [
    *(
        "a",
        "a",
        "b",
        "7",
        "%61",
        "{%}",
        "{%}",
        "{%:int}",
        "{%:a|b}",
        "{%:date}",
        "{%:service}",
        "{%:slug}",
        "{%:uuid}",
    )
]
WORDS = {
    "": ["a", "7", "users"],
    "int": ["7", "42"],
    "a|b": ["a", "b"],
    "date": ["2026-01-31"],
    "service": ["users"],
    "slug": ["a", "7", "2026-01-31"],
    "uuid": ["00000000-0000-4000-8000-00000000000A"],
}
"""Segments that captures of each type take."""
PATTERNS = {
    "/a/[a-z0-9]+": ["/a/b", "/a/7"],
    "/[ab]/(?P<n>[0-9]+)": ["/a/7", "/b/42"],
    "/(?P<x>[a-z]+)/b": ["/a/b", "/users/b"],
    "/a.*": ["/a", "/a/b", "/ab"],
    ".*7": ["/7", "/a/7"],
    "/users(?:/(?P<y>.*))?": ["/users", "/users/", "/users/a/b"],
    "/(?:a|users)/.*": ["/a/7", "/users/", "/a/b/7"],
    "/us[a-z]+": ["/users", "/usa"],
    "/use[a-z]+": ["/users"],
    "/[0-9]{1,2}/?": ["/7", "/42/"],
}
"""Regular expressions, and paths that fit."""
MATCHERS = st.sampled_from(
    [
        "1",
        "2",
        ["1", "2"],
        {"exact": "12"},
        {"prefix": "1"},
        {"prefix": "12"},
        {"suffix": "1"},
        {"suffix": "21"},
        {"contains": "2"},
        {"regex": "1+"},
        {"regex": "1[0-9]*"},
        {"present": True},
        {"present": False},
        {"not": "1"},
        {"not": ["1", {"prefix": "2"}]},
        {"not": {"present": True}},
        {"not": {"not": "2"}},
        [{"regex": "2+"}, {"not": {"prefix": "1"}}],
    ]
)
VALUES = ["1", "2", "11", "12", "121", ""]
HOSTS = ["*", "a.example", "a.example", "b.example", "*.example", "*.a.example"]
ASKED_HOSTS = ["a.example", "a.example", "b.example", "x.a.example", "x.y.a.example", "example", ""]
NETWORKS = ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/32", "0.0.0.0/0", "fd00::/8"]
ADDRESSES = ["10.1.2.3", "10.1.9.9", "192.0.2.1", "fd00::1", "::ffff:10.1.2.3", ""]


@st.composite
def templates(draw: st.DrawFn) -> str:
    parts = draw(st.lists(st.sampled_from(TEMPLATE_SEGMENTS), max_size=3))
    text = "/" + "/".join(
        part.replace("%", f"x{index}") if "{" in part else part for index, part in enumerate(parts)
    )
    end = draw(st.sampled_from(["", "", "/**", "/"]))
    return text if end == "/" and not parts else text.rstrip("/") + (end or ("" if parts else "/"))


LITERALS = st.sampled_from(["/", "/a", "/a/", "/a/b", "/users", "/a/7", "/%61/b"])
PIECES = st.sampled_from(["7", "/b", "users", "a", "/", "sers/"])


def forms(form: str, values: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, str]]:
    """Matchers of one form."""
    return values.map(lambda value: {form: value})


MATCHED_PATHS = st.one_of(
    forms("exact", LITERALS),
    forms("prefix", LITERALS),
    forms("suffix", PIECES),
    forms("contains", PIECES),
    forms("regex", st.sampled_from(list(PATTERNS))),
    forms("regex", st.sampled_from(list(PATTERNS))),
)
PATHS: st.SearchStrategy[Any] = st.one_of(
    templates(),
    templates(),
    templates(),
    MATCHED_PATHS,
    st.lists(st.one_of(templates(), MATCHED_PATHS), min_size=1, max_size=2).map(lambda paths: {"not": paths}),
)


def some(values: st.SearchStrategy[Any], most: int = 2) -> st.SearchStrategy[Any]:
    """One, or a list of a few."""
    return st.one_of(values, st.lists(values, min_size=1, max_size=most))


KEYS: dict[str, st.SearchStrategy[Any]] = {
    "method": some(st.sampled_from(METHODS)),
    "scheme": some(st.sampled_from(["http", "https"])),
    "listener": some(st.sampled_from(["main", "other"])),
    "header": st.dictionaries(st.sampled_from(["x-a", "X-B"]), MATCHERS, min_size=1, max_size=2),
    "query": st.dictionaries(st.sampled_from(["q", "r s"]), MATCHERS, min_size=1, max_size=1),
    "cookie": st.dictionaries(st.sampled_from(["c"]), MATCHERS, min_size=1, max_size=1),
    "address": some(st.sampled_from(NETWORKS)),
}


@st.composite
def mappings(draw: st.DrawFn, depth: int = 1, most: int = 2) -> dict[str, Any]:
    """A condition with some keys, `not` among them until that is deep enough."""
    keys = draw(st.lists(st.sampled_from([*KEYS, *(["not"] if depth else [])]), max_size=most, unique=True))
    condition = {key: draw(KEYS[key]) for key in keys if key != "not"}
    if "not" in keys:
        condition["not"] = draw(some(conditions(depth - 1)))
    return condition


@st.composite
def conditions(draw: st.DrawFn, depth: int = 1) -> Any:
    """A condition as it may stand under `not` and `when`."""
    condition = draw(mappings(depth))
    if not condition or draw(st.booleans()):
        condition["path"] = draw(some(PATHS))
    if draw(st.integers(0, 3)) == 0:
        condition["host"] = draw(some(st.sampled_from(HOSTS)))
    return condition


@st.composite
def matches(draw: st.DrawFn, pool: Sequence[Any]) -> Any:
    """What a route says under `match`, with paths of the pool."""
    paths = st.sampled_from(pool)
    condition = draw(mappings(most=draw(st.sampled_from([0, 0, 1, 2]))))
    if not condition or draw(st.integers(0, 7)):
        condition["path"] = draw(some(paths) if draw(st.integers(0, 3)) == 0 else paths)
    if draw(st.integers(0, 3)) == 0:
        condition["host"] = draw(some(st.sampled_from(HOSTS)))
    if draw(st.integers(0, 2)) == 0:
        condition["method"] = draw(KEYS["method"])
    if list(condition) == ["path"] and isinstance(condition["path"], str) and draw(st.booleans()):
        return condition["path"]
    return condition


@st.composite
def routes(draw: st.DrawFn, pool: Sequence[Any]) -> list[Route]:
    """Routes with names of their own; some have alternatives."""
    priorities = st.sampled_from([0, 0, 0, 0, 1, -1])
    found = []
    for index in range(draw(st.integers(0, 8))):
        match = draw(some(matches(pool)) if draw(st.integers(0, 3)) == 0 else matches(pool))
        found.append(Route(f"r{index}", match, draw(priorities)))
    return found


@st.composite
def asked_paths(draw: st.DrawFn) -> str:
    """Paths of the same few words."""
    segments = draw(st.lists(st.sampled_from(SEGMENTS), max_size=3))
    return "/" + "/".join(segments) + (draw(st.sampled_from(["", "", "", "/"])) if segments else "")


@st.composite
def fitting(draw: st.DrawFn, pattern: Any) -> str:
    """A path that fits a pattern, mostly."""
    if not isinstance(pattern, str):
        ((form, value),) = pattern.items()
        if form == "not":
            return draw(asked_paths())
        if form == "regex":
            return draw(st.sampled_from(PATTERNS[value]))
        start = "" if form in {"exact", "prefix"} else draw(st.sampled_from(["/", "/a", "/a/"]))
        end = draw(st.sampled_from(["", "/", "/b"])) if form in {"prefix", "contains"} else ""
        return str(start + value + end)
    path = ""
    for part in pattern[1:].split("/"):
        if part == "**":
            path += draw(st.sampled_from(["", "", "/a", "/7/b", "/"]))
        elif part.startswith("{"):
            path += "/" + draw(st.sampled_from(WORDS[part.partition(":")[2].rstrip("}")]))
        else:
            path += "/" + part
    return path or "/"


@st.composite
def requests(draw: st.DrawFn, pool: Sequence[Any] = ()) -> Asked:
    """Requests that often fit a path of the pool; some are spelled unusually."""
    path = draw(asked_paths())
    if pool and draw(st.integers(0, 3)) > 0:
        path = draw(fitting(draw(st.sampled_from(pool))))
    if draw(st.integers(0, 4)) == 0:
        path = path.replace("/", draw(st.sampled_from(["//", "/./", "/x/../"]))).replace("a", "%61")
    headers = draw(
        st.lists(st.tuples(st.sampled_from(["X-A", "x-b", "x-other"]), st.sampled_from(VALUES)), max_size=3)
    )
    if draw(st.booleans()):
        headers.append(("Cookie", draw(st.sampled_from(["c=1", "d=2; c=12", 'c="2"; c=1', "c", "c="]))))
    return Asked(
        draw(st.sampled_from(METHODS)),
        path,
        draw(st.sampled_from(["", "q=1", "q=12&q=2", "r+s=1", "r%20s=2&q", "%71=1", "q=%31", "x&&q=+"])),
        draw(st.sampled_from(ASKED_HOSTS)),
        tuple(headers),
        draw(st.sampled_from(ADDRESSES)),
        draw(st.sampled_from(["http", "https"])),
        draw(st.sampled_from(["main", "other"])),
    )


@st.composite
def scenes(draw: st.DrawFn) -> tuple[list[Route], list[Asked]]:
    """Routes that share a few paths and so compete, and requests of these paths."""
    pool = draw(st.lists(PATHS, min_size=1, max_size=4))
    return draw(routes(pool)), draw(st.lists(requests(pool), min_size=3, max_size=8))
