"""Regular expressions: what is taken, what is too slow and why, what they match and share."""

import re

import pytest
from hypothesis import given

from gatekeeper.policy.regex import Regex, RegexError, UnsafeRegexError
from tests.policy.patterns import SOURCES, TEXTS


NESTED = "a repetition inside of a repetition"
ALTERNATIVES = "its alternatives can begin with the same text"
OTHERS = "let each begin with a character that the others do not begin with"
REPEATS = "it repeats what can itself take the text of several repetitions"
SEPARATE = "let each end with a character that stands nowhere else in it, as in `([a-z]+,)*`"
BETWEEN = "put between them what neither takes, or write one of them"


@pytest.mark.parametrize(
    ("source", "prefix", "literal", "accepted", "refused"),
    [
        (
            r"/img/[0-9]+\.png",
            "/img/",
            9,
            ["/img/7.png"],
            ["/img/.png", "/img/7xpng", "/img/7.png\n", "x/img/7.png"],
        ),
        (r"/(?P<lang>[a-z]{2})/docs/.*", "/", 7, ["/en/docs/"], ["/eng/docs/"]),
        (r"/.*\.php", "/", 5, ["/a/b.php", "/.php"], ["/a.php5"]),
        ("/(foo|foobar)/x", "/foo", 6, ["/foo/x", "/foobar/x"], ["/foob/x"]),
        (r"v[0-9]+(\.[0-9]+)*", "v", 1, ["v1", "v1.20.3"], ["v1.", "v"]),
        ("(?:Mozilla|curl)/.*", "", 5, ["curl/8"], ["Curl/8"]),
        (r"/users/(?P<id>\d+)(/.*)?", "/users/", 7, ["/users/7", "/users/7/x/y"], ["/users/7x", "/users/٣"]),
        ("[a-z0-9-]{1,63}", "", 0, ["a" * 63], ["", "a" * 64]),
        (".*bot.*", "", 3, ["bot", "a robot\nb"], ["b-o-t"]),
        ("(?i).*bot.*", "", 0, ["RoBot"], ["b-o-t"]),
        ("/admin.*", "/admin", 6, ["/admin", "/administrator"], ["/adm"]),
        (".*(bot|crawler|spider).*", "", 3, ["a spider b"], ["spin"]),
        (r".*\.(css|js|png|jpe?g|woff2?)", "", 3, ["/a.b.jpg"], ["/a.jpgx"]),
        (r"/([^/]+/)*[^/]+\.html", "/", 6, ["/a.html", "/a/b/c.html"], ["/a//b.html"]),
        (
            r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+example\.net",
            "",
            12,
            ["a-b.c.example.net"],
            ["a-.example.net"],
        ),
        (r"[\w.+-]+@([\w-]+\.)+[a-z]{2,}", "", 2, ["a.b@c.d.ef"], ["a@b"]),
        (r"(?:\d{1,3}\.){3}\d{1,3}", "", 3, ["10.0.0.1"], ["10.0.0"]),
        (".*[0-9a-f]{8}-[0-9a-f]{4}-.*", "", 2, ["/6f9619ff-8b86-d011"], ["/6f9619f-8b86-"]),
        ("^/a.*$", "/a", 2, ["/ab"], ["/"]),
        (r"(.|\n)*", "", 0, ["", "a\nb"], []),
        ("(.*)(.*)", "", 0, ["", "ab"], []),
        ("/(?:[^/]+/){0,5}", "/", 1, ["/", "/a/b/"], ["/a/b/c/d/e/f/"]),
    ],
)
def test_what_people_write_is_taken(
    source: str, prefix: str, literal: int, accepted: list[str], refused: list[str]
) -> None:
    """It matches whole texts, and says how specific it is."""
    regex = Regex.parse(source)

    assert accepted == [text for text in accepted + refused if regex.accepts(text)]
    assert prefix == regex.prefix
    assert literal == regex.literal


@pytest.mark.parametrize(
    ("source", "message"),
    [
        pytest.param(source, message, id=f"LIM-15 {source[:40]}")
        for source, message in [
            ("(a+)+$", f"`(a+)+` can take exponential time: {NESTED}; write `a+`"),
            ("([a-zA-Z]+)*", f"`([a-zA-Z]+)*` can take exponential time: {NESTED}; write `[a-zA-Z]*`"),
            (r"^([\w.-]+)+@x$", rf"`([\w.-]+)+` can take exponential time: {NESTED}; write `[\w.-]+`"),
            ("(a|b+|c)*", f"`(a|b+|c)*` can take exponential time: {NESTED}; write `b` for `b+`"),
            ("(a|aa)+", f"`(a|aa)+` can take exponential time: {ALTERNATIVES}; {OTHERS}"),
            ("/x(a|b|ab)*c", f"`(a|b|ab)*` can take exponential time: {ALTERNATIVES}; {OTHERS}"),
            (
                "(a|a?)+",
                "`(a|a?)+` can take exponential time: it repeats what can be empty; let it take one character at least",
            ),
            ("(.*a){20}", f"`(.*a){{20}}` can take quadratic time: {REPEATS}; {SEPARATE}"),
            (
                "^(([a-z])+.)+[A-Z]([a-z])+$",
                f"`(([a-z])+.)+` can take exponential time: {REPEATS}; {SEPARATE}",
            ),
            (r"(\w+\s?)*x", rf"`(\w+\s?)*` can take exponential time: {REPEATS}; {SEPARATE}"),
            ("(/.*)*", f"`(/.*)*` can take exponential time: {REPEATS}; {SEPARATE}"),
            (
                r"^([a-zA-Z0-9])(([\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}[a-z0-9]+[.]{1}(([a-z]{2,3})|([a-z]{2,3}[.]{1}[a-z]{2,3}))$",
                rf"`(([\-.]|[_]+)?([a-zA-Z0-9]+))*` can take exponential time: {REPEATS}; {SEPARATE}",
            ),
            (
                "(x+x+)+y",
                f"`x+x+` can take quadratic time: `x+` and the later `x+` can take the same text; {BETWEEN}",
            ),
            (
                ".*x.*y",
                (
                    "`.*x.*y` can take quadratic time: `.*` and the later `.*` can take the same text; "
                    "write `[^x]*` for the first if it need not take `x`"
                ),
            ),
            (
                r"/(.+)/x/.*\.js",
                (
                    r"`(.+)/x/.*\.js` can take quadratic time: `(.+)` and the later `.*` can take the same text; "
                    "write `[^/]+` for the first if it need not take `/`"
                ),
            ),
            (
                ".*bot.*|.*spider.*[0-9]",
                (
                    "`.*spider.*[0-9]` can take quadratic time: `.*` and the later `.*` can take the same text; "
                    "write `[^s]*` for the first if it need not take `s`"
                ),
            ),
            (
                r"\d+\d+",
                rf"`\d+\d+` can take quadratic time: `\d+` and the later `\d+` can take the same text; {BETWEEN}",
            ),
            (
                "(.*)(.*)x",
                f"`(.*)(.*)x` can take quadratic time: `(.*)` and the later `(.*)` can take the same text; {BETWEEN}",
            ),
            (
                "a?" * 12,
                (
                    f"`{'a?' * 12}` can take more than 256 steps for a character: "
                    f"`a?` and the later `a?` can take the same text; {BETWEEN}"
                ),
            ),
            (
                "(a{1,5}){1,5}",
                f"`(a{{1,5}}){{1,5}}` can take more than 256 steps for a character: {NESTED}; write `a{{1,25}}`",
            ),
            (
                ".*a.{12}",
                "`.*a.{12}` is too large to prove that its time is linear; write smaller counts, or several patterns",
            ),
            (
                "x(" + "|".join(f"a{number}" for number in range(150, 300)) + ")",
                (
                    f"`{'|'.join(f'a{number}' for number in range(150, 300))}` has too many alternatives: "
                    "it needs more than 256 steps for a character; write several patterns"
                ),
            ),
        ]
    ],
)
def test_what_is_too_slow_is_refused_with_what_to_write(source: str, message: str) -> None:
    """With the smallest part that is."""
    with pytest.raises(UnsafeRegexError) as caught:
        Regex.parse(source)

    assert message == str(caught.value)
    assert "unsafe-regex" == caught.value.id


@pytest.mark.parametrize(
    ("slow", "fast"),
    [
        ("(a+)+", "a+"),
        (".*x.*y", "[^x]*x.*y"),
        (r"/.*/x/.*\.js", r"/[^/]*/x/.*\.js"),
        ("(a{1,5}){1,5}", "a{1,25}"),
        ("(.*,)+x", "([^,]*,)+x"),
    ],
)
def test_what_is_proposed_is_taken(slow: str, fast: str) -> None:
    """A hint helps."""
    with pytest.raises(UnsafeRegexError):
        Regex.parse(slow)

    assert fast == str(Regex.parse(fast))


def test_what_is_no_regular_expression_is_a_bad_value() -> None:
    """Only what is too slow is unsafe."""
    with pytest.raises(RegexError) as caught:
        Regex.parse("(a")

    assert "bad-value" == caught.value.id


@pytest.mark.parametrize(
    ("source", "text", "groups"),
    [
        ("/(?P<lang>[a-z]{2})/(?P<rest>.*)", "/en/a/b", {"lang": "en", "rest": "a/b"}),
        (r"/u/(?P<id>\d+)(?:/(?P<tab>[a-z]+))?", "/u/7", {"id": "7", "tab": ""}),
        ("(?:(?P<a>x)|y)+", "xyx", {"a": "x"}),
        ("(?P<a>.*?)(?P<b>.*)", "xy", {"a": "", "b": "xy"}),
        ("(a)(b)", "ab", {}),
        ("(a)(b)", "a", None),
    ],
)
def test_named_groups_are_captured(source: str, text: str, groups: dict[str, str] | None) -> None:
    """Nothing is captured by a group that took no part."""
    regex = Regex.parse(source)

    assert groups == regex.match(text)
    assert groups is None or tuple(groups) == regex.groups


@given(SOURCES, TEXTS)
def test_it_matches_what_re_matches(source: str, text: str) -> None:
    """And its automaton accepts the same, so that what is said of two expressions is true of what they match."""
    try:
        regex = Regex.parse(source)
    except RegexError:
        return

    expected = re.fullmatch(source, text, re.ASCII | re.DOTALL) is not None

    assert expected is regex.accepts(text)
    assert expected is regex.overlaps(Regex.of_literal(text))
    assert not expected or text.startswith(regex.prefix)


@pytest.mark.parametrize(
    ("first", "second", "overlaps"),
    [
        (Regex.parse("/api/v[0-9]+"), Regex.of_literal("/api/v1"), True),
        (Regex.parse("/api/v[0-9]+"), Regex.of_literal("/api/v"), False),
        (Regex.parse("/api/v[0-9]+"), Regex.of_prefix("/api/"), True),
        (Regex.parse("/api/v[0-9]+"), Regex.of_prefix("/api/v1/"), False),
        (Regex.parse(r".*\.php"), Regex.of_prefix("/admin/"), True),
        (Regex.parse("/[a-z]+"), Regex.parse("/[0-9]+"), False),
        (Regex.parse("/[a-z]*"), Regex.parse("/[0-9]*"), True),
        (Regex.parse("(aa)+"), Regex.parse("(aaa)+"), True),
        (Regex.parse("(aa)+"), Regex.parse("a(aa)+"), False),
        (Regex.parse("(?i)get"), Regex.of_literal("GET"), True),
        (Regex.of_literal(""), Regex.of_prefix(""), True),
        (Regex.of_literal(""), Regex.parse("a*"), True),
        (Regex.of_literal("/a.b"), Regex.of_literal("/axb"), False),
        (Regex.of_literal("/a" * 4000), Regex.of_prefix("/a" * 3999), True),
    ],
)
def test_overlaps(first: Regex, second: Regex, overlaps: bool) -> None:
    """Both ways round."""
    assert overlaps is first.overlaps(second) is second.overlaps(first)


def test_within() -> None:
    """Which is how a route is known to be never reached."""
    inner, outer = Regex.parse("/api/v[0-9]+"), Regex.of_prefix("/api/")

    assert inner.is_within(outer)
    assert not outer.is_within(inner)


@pytest.mark.parametrize("text", ["", "/a b", "a.b*c", "/[x]", "caf\xe9", "a\nb"])
def test_texts_have_expressions(text: str) -> None:
    """Nothing in them has a meaning of its own."""
    literal, prefix = Regex.of_literal(text), Regex.of_prefix(text)

    assert literal.accepts(text)
    assert not literal.accepts(text + "x")
    assert prefix.accepts(text)
    assert prefix.accepts(text + "\nx")
    assert (text, text) == (literal.prefix, prefix.prefix)
    assert len(text) == literal.literal == prefix.literal


def test_texts_beyond_latin1_never_occur() -> None:
    """So there is nothing to compare them with."""
    with pytest.raises(RegexError, match="`%E6%97%A5`"):
        Regex.of_literal("/日")


def test_expressions_are_equal_by_source() -> None:
    """A snapshot compares them."""
    assert Regex.parse("a+") == Regex.parse("a+")
    assert Regex.parse("a+") != Regex.parse("aa*")
    assert Regex.of_prefix("/a.") == Regex.parse(r"/a\..*")
    assert 1 == len({Regex.parse("a+"), Regex.parse("a+")})
    assert "a+" == str(Regex.parse("a+"))
    assert "Regex('a+')" == repr(Regex.parse("a+"))
