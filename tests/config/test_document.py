"""Documents: scalars, places, and what YAML allows and this grammar does not."""

import tracemalloc
from pathlib import Path

import pytest

from gatekeeper.config.document import (
    BROKEN,
    MAX_DEPTH,
    MAX_SIZE,
    Document,
    Interpolated,
    Spot,
    Variable,
    meaning,
    read_document,
    resolve,
    shown,
)
from gatekeeper.config.tree import tree_of


STAR = "quote a value that begins with `*`"


def faults(document: Document) -> list[str]:
    return [str(tree_of(document).problem(fault)) for fault in document.faults]


def warnings(document: Document) -> list[str]:
    return [str(tree_of(document).problem(fault)) for fault in document.warnings]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("0", 0),
        ("-7", -7),
        ("1.50", 1.5),
        ("-0.5", -0.5),
        *[
            (text, text)
            for text in [
                *["yes", "no", "on", "off", "y", "True", "FALSE"],
                *["017", "0x1F", "1_000", "1e3", "+5", ".5", "5.", "1:30", ".inf", ".nan"],
                *["2026-01-31", "10.0.0.1", "9" * 40],
            ]
        ],
    ],
)
def test_plain_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    """CFG-05: what other tools read as a boolean, an octal or a date is text."""
    document = read_document(f"key: {text}", "f")

    assert {"key": value} == document.data
    assert type(value) is type(document.data["key"])
    assert document.faults == []
    assert value == resolve(text)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("{a: [1, 'x', \"y\"], b: {c: true}}", {"a": [1, "x", "y"], "b": {"c": True}}),
        ('{\n\t"a":1,\n\t"b\\/": ["true", 2.5]}\n', {"a": 1, "b/": ["true", 2.5]}),
        ("a: |\n  two\n  lines\n", {"a": "two\nlines\n"}),
        ("'1': x\ntrue: y\nnull: z\n", {"1": "x", "true": "y", "null": "z"}),
        ("%YAML 1.2\n---\na: 1\r\n", {"a": 1}),
        ("a: &x [1, 2]\nb: *x\nc: {d: *x}\n", {"a": [1, 2], "b": [1, 2], "c": {"d": [1, 2]}}),
        ("- a\n- b: 'NO'\n", ["a", {"b": "NO"}]),
        ("a: ''\n", {"a": ""}),
    ],
)
def test_yaml_and_json_give_plain_data(text: str, data: object) -> None:
    """Quoted scalars are text, and so are all keys."""
    document = read_document(text, "f")

    assert data == document.data
    assert document.faults == []


@pytest.mark.parametrize(
    ("text", "expected", "data"),
    [
        pytest.param(
            "",
            ["f:1:1: the file is empty; it begins with `version: 1` [empty-value]"],
            BROKEN,
            id="CFG-01-empty",
        ),
        pytest.param(
            "# note\n---\n",
            ["f:3:1: the file is empty; it begins with `version: 1` [empty-value]"],
            BROKEN,
            id="CFG-01-only-a-comment",
        ),
        pytest.param(
            "a: 1\nb: 2\na: 3\n",
            ["f:3:1: a: `a` stands in lines 1 and 3 [duplicate-key]"],
            {"a": 1, "b": 2},
            id="CFG-02-duplicate-key",
        ),
        pytest.param(
            "a:\n  b: 1\n  c: [\n    2\n  ]\nd: 1\na: 3\n",
            ["f:7:1: a: `a` stands in lines 1 and 7 [duplicate-key]"],
            {"a": {"b": 1, "c": [2]}, "d": 1},
            id="CFG-02-duplicate-of-a-block-mapping",
        ),
        pytest.param(
            "a: {b: 1, b: [2]}",
            ["f:1:11: a.b: `b` stands in lines 1 and 1 [duplicate-key]"],
            {"a": {"b": 1}},
            id="CFG-02-duplicate-in-one-line",
        ),
        pytest.param(
            "a:\nb: ~\nc: null\n",
            [
                "f:1:3: a: `a:` has no value; give it one, or leave the key out [empty-value]",
                "f:2:4: b: `~` is not used here; `false` switches off what can be off [empty-value]",
                "f:3:4: c: `null` is not used here; `false` switches off what can be off [empty-value]",
            ],
            {"a": BROKEN, "b": BROKEN, "c": BROKEN},
            id="nulls",
        ),
        pytest.param(
            "- cors:\n  name: x\n-\n",
            [
                "f:1:8: [0].cors: `cors:` has no value; `cors` alone means no options [empty-value]",
                "f:3:2: [1]: an entry of this list has no value; write one behind the `-` [empty-value]",
            ],
            [{"cors": BROKEN, "name": "x"}, BROKEN],
            id="empty-entries",
        ),
        pytest.param(
            "plans: {description: sees prices, too}",
            [
                "f:1:38: plans.too: `too` has no value; if the `,` before it belongs to a text, quote that text [empty-value]"
            ],
            {"plans": {"description": "sees prices", "too": BROKEN}},
            id="a-comma-in-a-text",
        ),
        pytest.param(
            "plans: {too, description: sees}",
            ["f:1:12: plans.too: `too:` has no value; give it one, or leave the key out [empty-value]"],
            {"plans": {"too": BROKEN, "description": "sees"}},
            id="no-comma-before-it",
        ),
        pytest.param(
            "plans: {description: sees, labels: }",
            ["f:1:36: plans.labels: `labels:` has no value; give it one, or leave the key out [empty-value]"],
            {"plans": {"description": "sees", "labels": BROKEN}},
            id="a-colon-and-nothing",
        ),
        pytest.param(
            "to: {path.x}",
            ['f:1:12: to."path.x": `path.x` has no value; if `{path.x}` is meant, quote it [empty-value]'],
            {"to": {"path.x": BROKEN}},
            id="unquoted-placeholder",
        ),
        pytest.param(
            "a: !!python/object:os.system x\nb: !!str 5\nc: !x {d: 1}\n!!str d: 1\n",
            [
                "f:1:4: a: tags are not used here: leave out what begins with `!` [yaml]",
                "f:2:4: b: tags are not used here: leave out what begins with `!` [yaml]",
                "f:3:4: c: tags are not used here: leave out what begins with `!` [yaml]",
                "f:4:1: tags are not used here: leave out what begins with `!` [yaml]",
            ],
            {"a": BROKEN, "b": BROKEN, "c": BROKEN},
            id="CFG-04-tags",
        ),
        pytest.param(
            "a: &a {b: 1}\nc:\n  <<: *a\n  d: 2\n",
            ["f:3:3: c: `<<` is not used here; an alias stands for a whole value [yaml]"],
            {"a": {"b": 1}, "c": {"d": 2}},
            id="merge-key",
        ),
        pytest.param(
            "? [a, b]\n: 1\n*x : 2\n",
            [
                "f:1:3: a key is a text, not a list, a mapping or an alias [yaml]",
                "f:3:1: a key is a text, not a list, a mapping or an alias [yaml]",
            ],
            {},
            id="keys-that-are-no-text",
        ),
        pytest.param(
            "?\n: 1\n", ["f:1:2: a key is missing before this colon [yaml]"], {}, id="a-key-that-is-missing"
        ),
        pytest.param(
            "a: 1\n---\nb: 2\n",
            ["f:2:1: a second document begins here; a configuration is one [yaml]"],
            {"a": 1},
            id="second-document",
        ),
        pytest.param(
            "a: *foo\nb: 1\n",
            [f"f:1:4: a: `*foo` is a YAML alias, and there is no `&foo` above it; {STAR} [yaml]"],
            {"a": BROKEN, "b": 1},
            id="unknown-alias",
        ),
    ],
)
def test_what_yaml_allows_and_this_grammar_does_not(text: str, expected: list[str], data: object) -> None:
    """All of it is reported, and the rest is read."""
    document = read_document(text, "f")

    assert sorted(expected) == sorted(faults(document))
    assert data == document.data


INDENT = "indent the keys of one mapping alike"
COLON = f"quote a value that holds `: `, and {INDENT}"
ESCAPE = "write the character itself, or use single quotes"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "a: {b: /users/{id}}",
            "1:15: did not find expected ',' or '}'; quote values with `{ }` inside of `{ }`",
        ),
        ("a: b: c", f"1:5: mapping values are not allowed in this context; {COLON}"),
        ("a:\n\tb: 1", "2:1: found character that cannot start any token; indent with blanks, not with tabs"),
        ("a: @x", "1:4: found character that cannot start any token; quote a value that begins with `@`"),
        (
            "h: *.x",
            "1:5: did not find expected alphabetic or numeric character; quote a value that begins with `*`",
        ),
        (
            "a: [::1]:80",
            "1:5: did not find expected node content; quote a value that begins with `[` and is no list",
        ),
        ("a: 'x", "1:6: found unexpected end of stream; a quote is not closed"),
        ("a: '/x' y", f"1:9: did not find expected key; {INDENT}, and leave nothing behind a quoted value"),
        ('{"a": "\\ud83d"}', f"1:10: found invalid Unicode character escape code; {ESCAPE}"),
        (
            "a: [1,\n 2",
            "2:3: did not find expected ',' or ']' while parsing a flow sequence that begins in line 1",
        ),
        ("a: [1, 2", "1:9: did not find expected ',' or ']'"),
        ("é: 1\nb: \x00", "2:4: control characters are not allowed: U+0000"),
    ],
)
def test_a_syntax_error_says_what_is_usually_behind_it(text: str, expected: str) -> None:
    """CFG-01: nothing can be read, and the place is where the parser stopped."""
    document = read_document(text, "f")

    assert [f"f:{expected} [yaml]"] == faults(document)
    assert document.data is BROKEN


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("[" * 100_000, f"f:1:{MAX_DEPTH + 2}: this is nested deeper than 64 levels", id="lists"),
        pytest.param("{a: " * 100_000, "f:1:261: this is nested deeper than 64 levels", id="mappings"),
        pytest.param(
            "a: &a [1, *a]", "f:1:11: the alias `*a` stands inside of what it repeats", id="recursive-alias"
        ),
        pytest.param(
            "a: &a [x,x,x,x,x,x,x,x,x]\n"
            + "".join(
                f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n"
                for a, b in zip("abcdefgh", "bcdefghi", strict=True)
            ),
            "f:4:8: aliases repeat more than 1,000 values",
            id="alias-bomb",
        ),
        pytest.param("a: " + "x" * MAX_SIZE, "f:1:1: the file is larger than 8 MiB", id="size"),
    ],
)
def test_a_bomb_is_refused_before_it_takes_memory(text: str, message: str) -> None:
    """CFG-03: at most 32 MiB more, whatever it would have grown to."""
    tracemalloc.start()
    document = read_document(text, "f")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert document.data is BROKEN
    assert [message.removeprefix("f:1:1: ") if "larger" in message else message] == [
        fault.removesuffix(" [yaml]").removeprefix("f: ") for fault in faults(document)
    ]
    assert peak < 32 * 1024 * 1024


@pytest.mark.parametrize("word", ["y", "Yes", "NO", "on", "Off", "True", "FALSE", "N"])
def test_a_word_that_others_read_as_a_boolean_is_a_warning(word: str) -> None:
    """CFG-05: where it is a value and not quoted; what is read is text."""
    document = read_document(f"a: {word}\nb: ['{word}', {word}]\n{word}: 1\nc: {word}x\n", "f")

    meant = "true" if word.lower() in {"y", "yes", "on", "true"} else "false"
    message = f"`{word}` is text here, and {meant} for YAML 1.1 tools; quote it [yaml11-word]"
    number = len(word) + 9
    assert warnings(document) == [f"f:1:4: warning: a: {message}", f"f:2:{number}: warning: b[1]: {message}"]
    assert document.faults == []
    assert document.data == {"a": word, "b": [word, word], word: 1, "c": f"{word}x"}


def test_booleans_of_both_versions_are_no_warning() -> None:
    """Nor is what is quoted, or written as a block."""
    document = read_document('a: [true, false, "no", 1, x]\nb: |\n  no\nc: >-\n  yes\n', "f")

    assert document.warnings == []


def test_a_file_that_is_not_the_first_lacks_something_else() -> None:
    """The message says what."""
    document = read_document("", "f", begin="write `{}`")

    assert faults(document) == ["f:1:1: the file is empty; write `{}` [empty-value]"]


def test_a_spot_is_copied_with_other_values_in_it() -> None:
    """The place stays, that of the key too."""
    document = read_document("a: {b: 1}", "f", Path("folder"))
    assert document.spot is not None
    spot = document.spot.children["a"]

    other = spot.holding({})

    assert (other.file, other.line, other.column, other.key_line, other.key_column) == ("f", 0, 3, 0, 0)
    assert dict(other.children) == {}
    assert list(spot.children) == ["b"]
    assert Path("folder") == document.folder
    assert dict(Spot("f", 1, 2).children) == {}


@pytest.mark.parametrize(
    ("value", "means", "shows"),
    [
        ("5", "5", "5"),
        (Variable("5", "${A}"), 5, "${A}"),
        (Variable("true", "${A}"), True, "${A}"),
        (Variable("5"), 5, "5"),
        (Interpolated("5", "${A}5"), "5", "${A}5"),
    ],
)
def test_what_came_from_outside_is_not_shown(value: str, means: object, shows: str) -> None:
    """It may be a secret; a whole reference takes the type of its key."""
    assert means == meaning(value)
    assert shows == shown(value)
    assert value is not shown(value) or type(value) is str


def test_what_is_no_text_means_itself() -> None:
    """Lists, mappings and booleans come as they are."""
    assert meaning([1]) == [1]
    assert meaning(False) is False


def test_an_alias_stands_where_it_is_written() -> None:
    """Its value stands at the anchor; the key of the anchor keeps its line."""
    spot = read_document("a: &x {b: 1}\n\nc: *x\nd: *x\n", "f").spot

    assert spot is not None
    assert [0, 2, 3] == [spot.children[key].key_line for key in "acd"]
    assert [0, 0, 0] == [spot.children[key].children["b"].line for key in "acd"]
