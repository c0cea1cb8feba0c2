"""What the edited file says: a configuration in a few variables, its text, and its text with a mistake in it.

Every text carries its revision twice: in a comment of its first line, and in the header field `x-revision` of all answers.
"""

from collections.abc import Callable, Mapping
from random import Random
from typing import Final

import attrs


DRAIN: Final = 10
"""Seconds that the streams of instances have which are taken out."""
LONGEST_IDLE: Final = 600
"""Seconds for which pools of services that come and go would keep their connections."""


@attrs.frozen
class Ports:
    """Of 127.0.0.1."""

    main: int
    guest: int
    admin: int
    origins: tuple[int, int]


@attrs.frozen
class Shape:
    """One configuration."""

    ports: Ports
    revision: int = 1
    listener: str = "main"
    guest: bool = False
    """Whether there is a second listener."""
    weights: tuple[int, int] = (1, 1)
    second: bool = True
    """Whether the fast service has its second instance."""
    visitor: bool = False
    """Whether there is a third service, with a route."""
    routes: int = 3
    """How many there are beside the others."""
    idle: int = 75
    read: int = 30
    pool: int = 1
    balance: str = "round_robin"
    check: int = 2

    @property
    def listeners(self) -> dict[str, str]:
        """Addresses, by name."""
        found = {self.listener: f"127.0.0.1:{self.ports.main}"}
        return {**found, "guest": f"127.0.0.1:{self.ports.guest}"} if self.guest else found

    @property
    def services(self) -> dict[str, dict[str, int]]:
        """Weights, by service and by instance."""
        fast = dict(zip("ab" if self.second else "a", self.weights, strict=False))
        found = {"fast": fast, "slow": {"a": 1, "b": 1}}
        return {**found, "visitor": {"a": 1}} if self.visitor else found

    @property
    def spare(self) -> list[str]:
        """The names of routes that come and go."""
        return [f"spare-{number}" for number in range(self.routes)]

    def text(self) -> str:
        """As it stands in a file."""
        lines = [
            f"version: 1  # revision {self.revision:06}",
            "server:",
            "  listen:",
            *(f"    {name}: {address}" for name, address in self.listeners.items()),
            f"  timeouts: {{idle: {self.idle}s}}",
            f"  drain: {DRAIN}s",
            "  limits: {connections_per_address: false}",
            "admin:",
            f"  listen: 127.0.0.1:{self.ports.admin}",
            "services:",
        ]
        settings = {
            "fast": [
                f"    balance: {self.balance}",
                f"    health: {{http: {{path: /health}}, every: {self.check}s}}",
                f"    pool: {{idle: {self.pool}s}}",
            ],
            "slow": ["    health: false", f"    timeouts: {{read: {self.read}s}}", "    pool: {idle: 1s}"],
            "visitor": ["    health: false", f"    pool: {{idle: {LONGEST_IDLE}s}}"],
        }
        for name, instances in self.services.items():
            lines += [f"  {name}:", "    instances:"]
            for (one, weight), port in zip(instances.items(), self.ports.origins, strict=False):
                lines.append(f"      - {{id: {one}, url: 'http://127.0.0.1:{port}', weight: {weight}}}")
            lines += settings[name]
        lines += [
            "filters:",
            "  - transform:",
            f"      response: {{headers: {{set: {{x-revision: '{self.revision:06}'}}}}}}",
            "routes:",
            "  fast: {match: /fast/**, to: fast}",
            "  drip: {match: /drip, to: slow}",
            "  upload: {match: /upload, to: slow}",
            "  events: {match: /events, to: slow}",
            *(["  visitor: {match: /visitor/**, to: visitor}"] if self.visitor else []),
            *(f"  {name}: {{match: /{name}, to: fast}}" for name in self.spare),
        ]
        return "\n".join(lines) + "\n"

    def calm(self) -> "Shape":
        """The next revision, with everything as it was at the start."""
        return Shape(self.ports, self.revision + 1)


Change = Callable[[Shape, Random], Shape]


def _other_pair(before: tuple[int, int], random: Random) -> tuple[int, int]:
    return random.choice([pair for pair in ((1, 1), (3, 1), (1, 4), (2, 0)) if pair != before])


CHANGES: Final[Mapping[str, Change]] = {
    "nothing else": lambda shape, random: shape,
    "guest": lambda shape, random: attrs.evolve(shape, guest=not shape.guest),
    "routes": lambda shape, random: attrs.evolve(shape, routes=(shape.routes + random.randint(1, 30)) % 40),
    "weights": lambda shape, random: attrs.evolve(shape, weights=_other_pair(shape.weights, random)),
    "visitor": lambda shape, random: attrs.evolve(shape, visitor=not shape.visitor),
    "timeouts": lambda shape, random: attrs.evolve(
        shape, idle=random.randint(60, 90), read=random.randint(20, 60)
    ),
    "instance": lambda shape, random: attrs.evolve(shape, second=not shape.second),
    "pool": lambda shape, random: attrs.evolve(shape, pool=LONGEST_IDLE + random.randint(0, 99)),
    "listener": lambda shape, random: attrs.evolve(
        shape, listener="main" if shape.listener == "front" else "front"
    ),
    "health": lambda shape, random: attrs.evolve(shape, check=random.randint(1, 5)),
    "balance": lambda shape, random: attrs.evolve(
        shape,
        balance=random.choice(
            [one for one in ("round_robin", "least_connections", "power_of_two") if one != shape.balance]
        ),
    ),
}
"""What an edit may change beside the revision."""


def changed(shape: Shape, name: str, random: Random) -> Shape:
    """The next revision, with a change."""
    return attrs.evolve(CHANGES[name](shape, random), revision=shape.revision + 1)


@attrs.frozen
class Spoiled:
    """A text with one mistake: where it must be told, and what must be in the message."""

    text: str | None
    """None for no file at all."""
    place: str
    """`line:column` in the file; empty where a mistake has none."""
    path: str
    id: str


Spoil = Callable[[Shape], Spoiled]


def _inserted(shape: Shape, before: str, line: str, path: str, problem: str, mark: str) -> Spoiled:
    """A line more, which has the mistake at `mark`."""
    lines = shape.text().splitlines()
    index = lines.index(before)
    text = "\n".join([*lines[:index], line, *lines[index:]]) + "\n"
    return Spoiled(text, f"{index + 1}:{line.index(mark) + 1}", path, problem)


def _unknown_key(shape: Shape) -> Spoiled:
    key = f"wrong-{shape.revision}"
    return _inserted(shape, f"  drain: {DRAIN}s", f"  {key}: 1", f"server.{key}", "unknown-key", key)


def _unknown_service(shape: Shape) -> Spoiled:
    name, service = f"wrong-{shape.revision}", f"nobody-{shape.revision}"
    line = f"  {name}: {{match: /{name}, to: {service}}}"
    return _inserted(
        shape, "  fast: {match: /fast/**, to: fast}", line, f"routes.{name}.to", "unknown-name", service
    )


def _bad_value(shape: Shape) -> Spoiled:
    name, value = f"wrong-{shape.revision}", f"{shape.revision} bananas"
    line = f"  {name}: {{instances: ['http://127.0.0.1:1'], timeouts: {{connect: {value}}}}}"
    return _inserted(shape, "  fast:", line, f"services.{name}.timeouts.connect", "bad-value", value)


def _no_yaml(shape: Shape) -> Spoiled:
    line = f"  - wrong-{shape.revision}"
    return _inserted(shape, f"  drain: {DRAIN}s", line, "", "yaml", "-")


def _twice(shape: Shape) -> Spoiled:
    name = f"wrong-{shape.revision}"
    line = f"  {name}: {{match: /{name}, to: fast, to: slow}}"
    mark = "to: slow"
    return _inserted(
        shape, "  fast: {match: /fast/**, to: fast}", line, f"routes.{name}.to", "duplicate-key", mark
    )


def _taken(shape: Shape) -> Spoiled:
    address = f"127.0.0.1:{shape.ports.origins[0]}"
    name = f"wrong-{shape.revision}"
    return _inserted(
        shape,
        f"    {shape.listener}: 127.0.0.1:{shape.ports.main}",
        f"    {name}: {address}",
        f"server.listen.{name}",
        "bad-value",
        address,
    )


def _gone(shape: Shape) -> Spoiled:
    return Spoiled(None, "", "", "not-found")


SPOILS: Final[Mapping[str, Spoil]] = {
    "unknown key": _unknown_key,
    "unknown service": _unknown_service,
    "bad value": _bad_value,
    "no yaml": _no_yaml,
    "twice": _twice,
    "taken": _taken,
    "gone": _gone,
}
"""Mistakes, by name."""
