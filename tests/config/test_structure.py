"""Strict reading of attrs classes: ours and those of plugins."""

import enum
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import attrs
import pytest

from gatekeeper.config.addresses import Listen, Network
from gatekeeper.config.document import BROKEN, Variable
from gatekeeper.config.later import is_later
from gatekeeper.config.model import RouteDefaultsConfig, ServiceConfig
from gatekeeper.config.problems import ConfigError, Refusal
from gatekeeper.config.structure import Reader, structure_options
from gatekeeper.config.units import Duration, File, Size, Status
from gatekeeper.core.text import Text


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Version:
    """A type with a notation of its own, as a plugin may have one."""

    def __init__(self, *parts: int) -> None:
        self.parts = parts

    @classmethod
    def parse(cls, text: str) -> Self:
        return cls(*(int(part) for part in text.split(".")))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self.parts == other.parts

    __hash__ = None  # type: ignore[assignment]


@attrs.frozen(kw_only=True)
class Point:
    x: int = attrs.field(validator=attrs.validators.ge(0))
    y: int = 0


@attrs.frozen(kw_only=True)
class Options:
    text: str = ""
    whole: int = 0
    number: float = 0.0
    switch: bool = False
    wait: Duration = 1.0
    size: Size = 1
    status: Status = 200
    listen: Listen | Literal[False] = False
    label: Text | None = None
    mode: Literal["fast", "safe"] = "safe"
    level: Literal[1, 2, "auto"] = 1
    colour: Colour = Colour.RED
    version: Version | None = None
    names: tuple[str, ...] = ()
    waits: list[Duration] = attrs.field(factory=list)
    pair: tuple[str, int] = ("", 0)
    words: frozenset[str] = frozenset()
    series: Sequence[int] = ()
    headers: Mapping[str, Text] = attrs.field(factory=dict)
    codes: dict[Status, str] = attrs.field(factory=dict)
    point: Point | None = None
    points: list[Point] = attrs.field(factory=list)
    limit: int | Literal["auto", False] = "auto"
    pause: Duration | Literal[False] = False
    total: Duration | bool = False
    networks: tuple[Network, ...] = ()
    near: Network | Literal[False] = False
    anything: Any = None
    bare: list = attrs.field(factory=list)  # type: ignore[type-arg]  # a plugin may be careless
    if_: str = ""
    made: int = attrs.field(default=7, init=False)


KEYS = ", ".join(f"`{field.name.rstrip('_')}`" for field in attrs.fields(Options)[:-1])


def wrong(data: Any, cls: type = Options) -> list[str]:
    """What is wrong with data."""
    with pytest.raises(ConfigError) as caught:
        structure_options(cls, data)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, Options()),
        ({"text": "x", "if": "y"}, Options(text="x", if_="y")),
        ({"whole": -7, "number": 3}, Options(whole=-7, number=3.0)),
        ({"switch": True}, Options(switch=True)),
        ({"wait": "5s", "size": "2KiB", "status": 404}, Options(wait=5.0, size=2048, status=404)),
        ({"listen": 80}, Options(listen=Listen("0.0.0.0", 80))),
        ({"listen": False}, Options(listen=False)),
        ({"label": "{route} x"}, Options(label=Text("{route} x"))),
        ({"mode": "fast", "level": 2}, Options(mode="fast", level=2)),
        ({"level": "auto"}, Options(level="auto")),
        ({"colour": "blue"}, Options(colour=Colour.BLUE)),
        ({"version": "1.2"}, Options(version=Version(1, 2))),
        ({"names": ["a"], "waits": ["5s"]}, Options(names=("a",), waits=[5.0])),
        ({"pair": ["a", 1]}, Options(pair=("a", 1))),
        ({"words": ["a"], "series": [1]}, Options(words=frozenset({"a"}), series=(1,))),
        ({"headers": {"a": "b"}}, Options(headers={"a": Text("b")})),
        ({"codes": {"404": "x"}}, Options(codes={404: "x"})),
        ({"point": {"x": 1}}, Options(point=Point(x=1))),
        ({"points": [{"x": 1, "y": 2}]}, Options(points=[Point(x=1, y=2)])),
        ({"limit": 5, "pause": "5s", "total": "1s"}, Options(limit=5, pause=5.0, total=1.0)),
        ({"limit": False, "pause": False, "total": True}, Options(limit=False, pause=False, total=True)),
        ({"anything": {"a": [1, Variable("x"), None]}}, Options(anything={"a": [1, "x", None]})),
        ({"bare": [1, "x"]}, Options(bare=[1, "x"])),
    ],
)
def test_data_of_the_right_type_is_read(data: Any, expected: Options) -> None:
    """Every type that an option may have."""
    assert expected == structure_options(Options, data)


def test_networks_are_read_in_lists_and_unions() -> None:
    """A union with False is one of three types to Python."""
    options = structure_options(Options, {"networks": ["10.0.0.0/8", "::1"], "near": "::/0"})

    assert [str(network) for network in options.networks] == ["10.0.0.0/8", "::1/128"]
    assert str(options.near) == "::/0"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"text": 5}, 'text: expected text, not the number 5; write "5" [wrong-type]'),
        ({"text": True}, 'text: expected text, not `true`; write "true" [wrong-type]'),
        ({"text": []}, "text: expected text, not a list [wrong-type]"),
        (
            {"text": {"path.x": 1}},
            "text: expected text, not a mapping; quote a value that begins with `{` [wrong-type]",
        ),
        ({"whole": "5"}, "whole: expected a whole number, not the text `5`; write 5 [wrong-type]"),
        ({"whole": "017"}, "whole: expected a whole number, not the text `017`; write 17 [wrong-type]"),
        ({"whole": "0x1F"}, "whole: expected a whole number, not the text `0x1F`; write 31 [wrong-type]"),
        ({"whole": "1_000"}, "whole: expected a whole number, not the text `1_000`; write 1000 [wrong-type]"),
        ({"whole": "1e3"}, "whole: expected a whole number, not the text `1e3`; write 1000 [wrong-type]"),
        ({"whole": "0b2"}, "whole: expected a whole number, not the text `0b2` [wrong-type]"),
        ({"whole": "x"}, "whole: expected a whole number, not the text `x` [wrong-type]"),
        ({"whole": 1.5}, "whole: expected a whole number, not the number 1.5 [wrong-type]"),
        ({"whole": True}, "whole: expected a whole number, not `true` [wrong-type]"),
        ({"number": ".5"}, "number: expected a number, not the text `.5`; write 0.5 [wrong-type]"),
        ({"number": False}, "number: expected a number, not `false` [wrong-type]"),
        ({"switch": "yes"}, "switch: `yes` is text here; write true or false [yaml11-word]"),
        ({"switch": "True"}, "switch: `True` is text here; write true or false [yaml11-word]"),
        ({"switch": 1}, "switch: expected true or false, not the number 1 [wrong-type]"),
        ({"wait": 5}, "wait: 5 has no unit: write 5s or 5ms [no-unit]"),
        ({"wait": True}, "wait: expected a time like `5s`, not `true` [wrong-type]"),
        ({"size": []}, "size: expected a size like `16MiB`, not a list [wrong-type]"),
        (
            {"label": "{x"},
            "label: a `{` or `}` stands alone; a value in braces is put in, as in `{address}` [bad-placeholder]",
        ),
        ({"label": 5}, 'label: expected text, not the number 5; write "5" [wrong-type]'),
        ({"mode": "fats"}, "mode: `fats` is none of `fast`, `safe`; did you mean `fast`? [bad-value]"),
        ({"mode": 1}, "mode: expected `fast` or `safe`, not the number 1 [wrong-type]"),
        ({"level": 3}, "level: `3` is none of `1`, `2`, `auto` [bad-value]"),
        ({"level": True}, "level: expected `1` or `2` or `auto`, not `true` [wrong-type]"),
        ({"colour": "green"}, "colour: `green` is none of `red`, `blue` [bad-value]"),
        ({"version": "1.x"}, "version: invalid literal for int() with base 10: 'x' [bad-value]"),
        ({"version": 1}, 'version: expected text, not the number 1; write "1" [wrong-type]'),
        ({"names": "a"}, "names: expected a list, not the text `a`; write `[a]` [wrong-type]"),
        ({"names": {}}, "names: expected a list, not a mapping; write `- ` before each entry [wrong-type]"),
        ({"pair": ["a"]}, "pair: expected 2 entries, not 1 [wrong-type]"),
        (
            {"headers": ["a"]},
            "headers: expected a mapping, not a list; write `NAME: ` instead of each `- ` [wrong-type]",
        ),
        ({"codes": {"x": "y"}}, "codes.x: `x` is no status [bad-value]"),
        ({"point": 5}, "point: expected a mapping with `x`, `y`, not the number 5 [wrong-type]"),
        ({"point": {}}, "point: `x` is missing [missing-key]"),
        ({"point": {"x": -1}}, "point.x: `x` must be >= 0: -1 [bad-value]"),
        (
            {"points": [{"x": 1}, {"z": 1, "x": 1}]},
            "points[1].z: unknown key `z`; there are `x`, `y` [unknown-key]",
        ),
        ({"limit": "atuo"}, "limit: `atuo` is none of `auto`, `false`; did you mean `auto`? [bad-value]"),
        (
            {"limit": 1.5},
            "limit: expected a whole number or `auto` or `false`, not the number 1.5 [wrong-type]",
        ),
        ({"limit": []}, "limit: expected a whole number or `auto` or `false`, not a list [wrong-type]"),
        ({"pause": "no"}, "pause: `no` is text here; write false [yaml11-word]"),
        ({"pause": 5}, "pause: 5 has no unit: write 5s or 5ms [no-unit]"),
        ({"pause": True}, "pause: expected a time like `5s` or `false`, not `true` [wrong-type]"),
        ({"total": []}, "total: expected a time like `5s` or true or false, not a list [wrong-type]"),
        ({"txt": "a"}, "txt: unknown key `txt`; did you mean `text`? [unknown-key]"),
        ({"made": 1}, "made: unknown key `made`; did you mean `mode`? [unknown-key]"),
        (5, f"expected a mapping with {KEYS}, not the number 5 [wrong-type]"),
    ],
)
def test_data_of_another_type_is_refused(data: Any, expected: str) -> None:
    """CFG-02, CFG-05: nothing is turned into something else without a word."""
    assert [expected] == wrong(data)


def test_all_faults_are_found_in_one_reading() -> None:
    """Also beside a key that is unknown, and in a class whose other fields are broken."""
    data = {
        "txt": 1,
        "whole": "x",
        "points": [{"x": -1}, {"y": "a"}, {"x": -1, "y": "b"}],
        "codes": {"1": 5, "404": 6},
    }

    assert {
        "codes.1: 1 is no status; there are 100 to 599 [bad-value]",
        'codes.1: expected text, not the number 5; write "5" [wrong-type]',
        'codes.404: expected text, not the number 6; write "6" [wrong-type]',
        "points[0].x: `x` must be >= 0: -1 [bad-value]",
        "points[1].y: expected a whole number, not the text `a` [wrong-type]",
        "points[1]: `x` is missing [missing-key]",
        "points[2].x: `x` must be >= 0: -1 [bad-value]",
        "points[2].y: expected a whole number, not the text `b` [wrong-type]",
        "txt: unknown key `txt`; did you mean `text`? [unknown-key]",
        "whole: expected a whole number, not the text `x` [wrong-type]",
    } == set(wrong(data))


PLACEHOLDER = (
    "`{nope}` is no value; there are request.id, request.method, request.host, request.path, request.scheme, address,"
    " route, service, instance, consumer, consumer.plan, consumer.roles, consumer.scopes, authenticator, path.NAME,"
    " query.NAME, header.NAME, cookie.NAME, claim.NAME, consumer.labels.NAME"
)


@attrs.frozen(kw_only=True)
class Range:
    low: int = attrs.field(default=0, validator=attrs.validators.instance_of(int))
    high: int = attrs.field(validator=attrs.validators.lt(100))
    steps: list[int] = attrs.field(factory=list)
    middle: int = attrs.field(default=attrs.Factory(lambda self: self.low, takes_self=True))

    @high.validator
    def _above(self, _attribute: object, value: int) -> None:
        if value < self.low:
            raise Refusal("`high` is below `low`", "conflict")

    def __attrs_post_init__(self) -> None:
        if self.steps and self.low == self.high:
            raise ValueError("a range without width has no `steps`")
        if self.steps == [13]:
            raise TypeError
        if self.steps == [14]:
            Text("{nope}")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"high": 100}, ["high: `high` must be < 100: 100 [bad-value]"]),
        ({"low": 5, "high": 1}, ["high: `high` is below `low` [conflict]"]),
        ({"low": 1, "high": 1, "steps": [1]}, ["a range without width has no `steps` [bad-value]"]),
        ({"high": 1, "steps": [13]}, ["TypeError [bad-value]"]),
        ({"low": 1, "high": 2, "steps": [14]}, [f"{PLACEHOLDER} [bad-placeholder]"]),
        ({"hihg": 1}, ["hihg: unknown key `hihg`; did you mean `high`? [unknown-key]"]),
        (
            {"low": "x", "high": 0, "steps": [1]},
            ["low: expected a whole number, not the text `x` [wrong-type]"],
        ),
    ],
)
def test_what_validators_say_is_reported(data: Any, expected: list[str]) -> None:
    """At the field; what a whole object says, at the object, unless a part of it is broken."""
    assert expected == wrong(data, Range)


@attrs.frozen
class Nothing:
    """No options."""


def test_a_class_without_fields_takes_nothing() -> None:
    """`true` is an empty mapping wherever everything has a default."""
    assert Nothing() == structure_options(Nothing, {})
    assert Nothing() == structure_options(Nothing, True)
    assert wrong("x", Nothing) == ["expected no options, not the text `x` [wrong-type]"]
    assert wrong({"a": 1}, Nothing) == ["a: unknown key `a`; there are none [unknown-key]"]
    assert wrong(True, Point) == ["expected a mapping with `x`, `y`, not `true` [wrong-type]"]


@attrs.frozen
class Tls:
    ca: File | None = None


def test_a_file_must_exist(tmp_path: Path) -> None:
    """It is looked for beside the configuration, and is absolute afterwards."""
    (tmp_path / "ca.pem").touch()

    assert Tls(str(tmp_path / "ca.pem")) == structure_options(Tls, {"ca": "ca.pem"}, base=tmp_path)
    with pytest.raises(ConfigError) as caught:
        structure_options(Tls, {"ca": "no.pem"}, ("services", "x", "tls"), base=tmp_path)
    (problem,) = caught.value.problems
    reader = Reader(tmp_path)
    reader.read([{"ca": "ca.pem"}, {"ca": "no.pem"}], list[Tls])
    assert [tmp_path / "ca.pem", tmp_path / "no.pem"] == reader.files
    expected = f"services.x.tls.ca: `no.pem` does not exist (looked for {tmp_path / 'no.pem'}) [not-found]"
    assert expected == str(problem)
    assert wrong({"ca": 5}, Tls) == [
        "ca: expected the path of a file, like `tls/ca.pem`, not the number 5 [wrong-type]"
    ]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"whole": "5", "number": "1.5"}, Options(whole=5, number=1.5)),
        ({"switch": "true", "text": "5"}, Options(switch=True, text="5")),
        ({"listen": "8080"}, Options(listen=Listen("0.0.0.0", 8080))),
        ({"listen": "false", "wait": "5s"}, Options(listen=False, wait=5.0)),
        ({"level": "2", "mode": "fast"}, Options(level=2, mode="fast")),
        ({"limit": "auto", "status": "404"}, Options(limit="auto", status=404)),
        ({"version": "1.2", "label": "x"}, Options(version=Version(1, 2), label=Text("x"))),
    ],
)
def test_a_variable_takes_the_type_of_its_key(data: dict[str, str], expected: Options) -> None:
    """The same text written in the file would be text."""
    found = structure_options(Options, {key: Variable(value) for key, value in data.items()})

    assert expected == found
    assert type(found.text) is str


def test_a_variable_of_another_type_is_refused() -> None:
    """It is read once, and never as YAML."""
    assert wrong({"whole": Variable("[1]")}) == [
        "whole: expected a whole number, not the text `[1]` [wrong-type]"
    ]
    assert wrong({"wait": Variable("5")}) == ["wait: 5 has no unit: write 5s or 5ms [no-unit]"]


@pytest.mark.parametrize(
    "data",
    [
        {"text": BROKEN},
        {"text": {"path.x": BROKEN}},
        {"label": BROKEN},
        {"label": {"path.x": BROKEN}},
        {"names": [BROKEN, "b"]},
        {"anything": {"a": [BROKEN]}},
        {"headers": {"a": BROKEN}},
        {"point": {"x": BROKEN}},
    ],
)
def test_what_is_broken_already_is_passed_over(data: Any) -> None:
    """One mistake is one problem."""
    reader = Reader(Path())

    found = reader.read(data, Options)

    assert isinstance(found, Options)
    assert reader.faults == []


def test_a_broken_value_leaves_the_rest_to_be_checked() -> None:
    """What has a default goes on with it; a list goes on without its broken entry."""
    reader = Reader(Path())

    found = reader.read({"whole": "x", "points": [{"x": 1}, {"x": "y"}], "text": "kept"}, Options)

    assert Options(points=[Point(x=1)], text="kept") == found
    assert [fault.path for fault in reader.faults] == [("whole",), ("points", 1, "x")]
    assert reader.path == []


def test_a_list_of_which_nothing_is_left_is_broken() -> None:
    """An empty one would be judged, and nobody wrote that."""
    reader = Reader(Path())

    assert Options() == reader.read({"points": ["x", {"x": "y"}]}, Options)
    assert [] == reader.read([], list[int])
    assert BROKEN is reader.read(["x"], list[int])
    assert [fault.path for fault in reader.faults] == [("points", 0), ("points", 1, "x"), (0,)]


@attrs.frozen(kw_only=True)
class Both:
    second: int
    first: int


def test_all_that_is_missing_is_told_in_one_order() -> None:
    """Whatever the order of a set is today."""
    assert wrong({}, Both) == ["`first` is missing [missing-key]", "`second` is missing [missing-key]"]


def test_a_choice_may_be_yet_to_come() -> None:
    """It is no slip."""
    reader = Reader(Path(), later=lambda path: path == ("mode", "slow"))

    reader.read({"mode": "slow"}, Options)
    reader.read({"mode": "fsat"}, Options)

    assert ["`slow` is not available yet", "`fsat` is none of `fast`, `safe`; did you mean `fast`?"] == [
        fault.message for fault in reader.faults
    ]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Nothing | Literal[False], "`yes` is text here; write true or false"),
        (Point | Literal[False], "`yes` is text here; write false"),
    ],
)
def test_a_word_of_yaml_1_1_is_told_what_can_be_written(kind: Any, message: str) -> None:
    """`true` is all defaults, where everything has one."""
    reader = Reader(Path())

    assert BROKEN is reader.read("yes", kind)
    assert [message] == [fault.message for fault in reader.faults]


def test_a_broken_file_is_no_file() -> None:
    """A field of any type may be broken."""
    reader = Reader(Path())

    assert reader.read({"ca": {"x": BROKEN}}, Tls) == Tls()
    assert reader.read(BROKEN, Tls) is BROKEN
    assert reader.faults == []


def test_one_mistake_in_a_class_is_one_problem() -> None:
    """What the class as a whole has against its values is told where nothing else is."""
    assert wrong({"low": 1, "high": 1, "stpes": [1], "steps": [1]}, Range) == [
        "stpes: unknown key `stpes`; did you mean `steps`? [unknown-key]"
    ]
    assert wrong({"low": 1, "high": 1, "steps": [1, "x"]}, Range) == [
        "steps[1]: expected a whole number, not the text `x` [wrong-type]"
    ]


@attrs.frozen(kw_only=True)
class Group:
    points: tuple[Point, ...]
    name: str = ""


def test_a_list_in_the_place_of_what_holds_one_is_told() -> None:
    """Where there is one list that has to be there."""
    assert wrong([{"x": 1}], Group) == [
        "expected a mapping with `points`, `name`, not a list; write `points:` above it [wrong-type]"
    ]
    assert wrong([{"x": 1}], Point) == ["expected a mapping with `x`, `y`, not a list [wrong-type]"]


def test_a_choice_in_upper_case_is_told() -> None:
    """And a number is near to none."""
    assert wrong({"mode": "FAST"}) == [
        "mode: `FAST` is none of `fast`, `safe`; did you mean `fast`? [bad-value]"
    ]


def test_the_key_of_a_broken_value_is_not_judged() -> None:
    """`{path.x}` without quotes is a mapping with a key that is no name, and has been refused already."""
    reader = Reader(Path())

    assert reader.read({"x.y": BROKEN}, dict[Status, str]) == {}
    assert reader.faults == []


def test_words_of_other_places_are_told() -> None:
    """By the path: what belongs elsewhere, what is to come, what others call otherwise."""
    reader = Reader(Path(), later=is_later)

    reader.read(
        {"filters": [], "observe": {}, "encoded_slash": "keep"},
        RouteDefaultsConfig,
        "defaults",
        "routes",
    )
    reader.read({"targets": []}, ServiceConfig, "services", "x")

    assert [fault.message for fault in reader.faults] == [
        "`filters` does not belong in `defaults.routes`; use the top-level `filters`",
        "`observe` is not available yet",
        "unknown key `encoded_slash`; did you mean `encoded_slashes`?",
        "unknown key `targets`; did you mean `instances`?",
    ]


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("whole", "; expected a whole number"),
        ("pause", "; expected a time like `5s`"),
        ("names", "; expected a list"),
        ("point", ""),
        ("networks", "; expected a list"),
    ],
)
def test_a_value_from_outside_is_never_shown(key: str, words: str) -> None:
    """The message names the reference, and what was expected."""
    secret = Variable("correct horse", "${PASSWORD}")

    assert wrong({key: secret}) == [
        f"{key}: the value of `${{PASSWORD}}` does not fit{words} [{'bad-value' if key == 'pause' else 'wrong-type'}]"
    ]
