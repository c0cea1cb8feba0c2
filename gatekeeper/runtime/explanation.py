"""What is known about one request before it is sent: plain data, for people and for programs.

Places are `file:line`, empty where none is known. Chances and shares are between 0 and 1.
"""

from collections.abc import Mapping
from typing import Any, Literal

import attrs


Verdict = Literal["matched", "failed", "not reached", "no candidate"]
"""What became of a route: `matched` takes the request, `not reached` stands behind that one, and `no candidate` has
another host or path, or the gateway has other hosts."""

State = Literal["runs", "answers", "by chance", "passed over", "dropped", "idle", "not reached"]
"""What a filter does with this request: `answers` itself, `passed over` because of `when`, `dropped` by an `override`,
`idle` because its options ask for nothing, and `not reached` because one before it answers."""


@attrs.frozen(kw_only=True)
class RequestFacts:
    """The request as the gateway understands it.

    `sent` is its target as the client wrote it, `path` what routes are compared with, and `forwarded` the target that a
    service is asked for where nothing is rewritten.
    """

    method: str
    sent: str
    path: str
    forwarded: str
    query: str
    host: str
    scheme: str
    client: str
    listener: str


@attrs.frozen(kw_only=True)
class Failure:
    """A condition that does not hold, and what the request has instead."""

    condition: str
    found: str


@attrs.frozen(kw_only=True)
class Candidate:
    """One way to a route: methods, host and path in `rule`, all else in `conditions`; `failed` is the first that fails."""

    route: str
    place: str
    rule: str
    conditions: tuple[str, ...]
    priority: int
    verdict: Verdict
    failed: Failure | None = None


@attrs.frozen(kw_only=True)
class Switch:
    """What connections of a route may switch to; `origins` are empty for any, `lifetime` is in seconds."""

    protocols: tuple[str, ...]
    origins: tuple[str, ...] = ()
    lifetime: float | None = None


@attrs.frozen(kw_only=True)
class Result:
    """What becomes of the request.

    `route` is empty where none takes it. `status` is 0 where a service decides, or a filter of which nobody knows; `code`
    and `detail` are those of a refusal, `allow` the methods that a 405 names, and `hosts`, of a 421, those that the
    gateway answers for.
    `answered_by` is the filter that answers. `max_body` is how many bytes of a body the route takes, None for any.
    """

    route: str = ""
    place: str = ""
    captures: Mapping[str, str] = attrs.field(factory=dict)
    status: int = 0
    code: str = ""
    detail: str = ""
    allow: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    answered_by: str = ""
    max_body: int | None = None
    upgrades: Switch | None = None


@attrs.frozen(kw_only=True)
class When:
    """A condition of a filter, or of the chain that it stands in (`of`), and how likely it is to hold."""

    of: str
    text: str
    chance: float
    failed: Failure | None = None


@attrs.frozen(kw_only=True)
class FilterStep:
    """A filter in its place of the run order.

    `source` is the list that it stands in, and `used` are the places of the `use` that put it there. `override` is where
    a route changed or dropped it. `options` are those that differ from the defaults, `defaults` the others.
    """

    name: str
    kind: str
    source: str
    place: str
    used: tuple[str, ...] = ()
    override: str = ""
    scope: str = "exchange"
    when: tuple[When, ...] = ()
    state: State
    if_error: str = "fail"
    options: Mapping[str, Any] = attrs.field(factory=dict)
    defaults: Mapping[str, Any] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class InstanceShare:
    """An instance of a service, and its part of the service's requests."""

    id: str
    url: str
    share: float


@attrs.frozen(kw_only=True)
class TargetStep:
    """A service that the request may be sent to.

    `share` is how likely it is, `why` is `pinned`, `sticky`, `captured` or empty, which is by weight. `method` and
    `target` are what it is asked for, empty where that is refused with `detail`.
    """

    service: str
    place: str
    share: float
    why: str
    method: str
    target: str
    detail: str = ""
    filters: tuple[FilterStep, ...] = ()
    instances: tuple[InstanceShare, ...] = ()
    concurrency: Mapping[str, Any] = attrs.field(factory=dict)
    timeouts: Mapping[str, Any] = attrs.field(factory=dict)


ORDER = (
    "filters",
    "choose target",
    "rewrite",
    "service filters",
    "rescue",
    "concurrency",
    "deadline",
    "retry",
    "attempt filters",
    "pick",
    "send",
)
"""The order of everything that happens to a request which is sent to a service; answers come back in reverse."""


@attrs.frozen(kw_only=True)
class Explanation:
    """All decisions about a request, in the order in which they are made.

    `request` is None where the edge refused to read it. `candidates` are in matching order, and `others`, where they were
    asked for, those that are none. `elsewhere` is how many routes have another host or path only, and `nearest` are those
    of them that come closest to a request without a route. No route is looked at for a host that is not the gateway's.
    """

    request: RequestFacts | None
    result: Result
    candidates: tuple[Candidate, ...] = ()
    others: tuple[Candidate, ...] = ()
    elsewhere: int = 0
    nearest: tuple[Candidate, ...] = ()
    filters: tuple[FilterStep, ...] = ()
    targets: tuple[TargetStep, ...] = ()
    order: tuple[str, ...] = ORDER

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        return attrs.asdict(self)
