"""Chains that are tried before they serve: the filters as they are, with a report in the place of a line in the log.

What `compile_chain` is handed here is not the filter itself but something that watches it. At the end stands an answer in the
place of `forward`, so that nothing is sent.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator
from typing import Any

import attrs

from gatekeeper.config.filters import FORWARD
from gatekeeper.config.model import FilterConfig, UseConfig
from gatekeeper.config.problems import Place
from gatekeeper.core.body import Body
from gatekeeper.core.chain import (
    AttemptHandler,
    AttemptLink,
    Chain,
    Group,
    Handler,
    Link,
    Predicate,
    compile_attempt_chain,
    compile_chain,
)
from gatekeeper.core.errors import FilterFailed, GatewayError
from gatekeeper.core.exchange import Attempt, Exchange
from gatekeeper.core.instance import Instance
from gatekeeper.core.message import Headers, Response


log = logging.getLogger(__name__)

Key = tuple[str, str, str]
"""Whose it is, what it is, and its name there."""
Report = Callable[[Place, str], object]


@attrs.frozen
class FilterLink(Link):
    """A filter, with what it was made of, and whose it is."""

    config: FilterConfig = attrs.field(kw_only=True)
    owner: str = attrs.field(kw_only=True)


@attrs.frozen
class ChainGroup(Group):
    """A chain in the place of a filter, with the entry that put it there, and whose that is."""

    config: UseConfig = attrs.field(kw_only=True)
    owner: str = attrs.field(kw_only=True)


@attrs.frozen
class AttemptFilterLink(AttemptLink):
    """An attempt filter, with what it was made of, and whose it is."""

    config: FilterConfig = attrs.field(kw_only=True)
    owner: str = attrs.field(kw_only=True)


AnyLink = Link | Group | AttemptLink
Owned = FilterLink | ChainGroup | AttemptFilterLink


@attrs.frozen
class Ending:
    """What stands behind a route: the filters of a service, and one of its instances."""

    links: tuple[AnyLink, ...]
    attempt_links: tuple[AttemptLink, ...]
    instance: Instance

    @property
    def all_links(self) -> tuple[AnyLink, ...]:
        """Those of attempts too."""
        return *self.links, *self.attempt_links


@attrs.frozen
class Folding:
    """Makes chains that log nothing, and report what fails of them where that is `new`.

    Filters that are `changing`, by owner and name, are not run: they are not what they will be.
    """

    new: Collection[Key]
    changing: Collection[tuple[str, ...]]
    clock: Callable[[], float]
    report: Report

    def has_new(self, links: Iterable[AnyLink]) -> bool:
        """Whether something in them is new."""
        return any(key_of(link) in self.new for link in flat(links))

    def chain(self, links: Iterable[AnyLink], end: Chain) -> Chain:
        """The filters of a list round an end."""
        return compile_chain([self._link(link) for link in _owned(links)], end, self.clock)

    def service(self, service: Ending) -> Chain:
        """The filters of a service round an answer of one instance."""
        attempts = [AttemptLink(link.name, self._watched(link)) for link in _owned(service.attempt_links)]
        send = compile_attempt_chain(attempts, _answer, self.clock)
        forward = Link(FORWARD, _Forward(service.instance, send, self.clock))
        return self.chain(service.links, compile_chain([forward], Chain(past_the_end), self.clock))

    def _link(self, link: Owned) -> Link | Group:
        if isinstance(link, ChainGroup):
            return Group(link.name, tuple(map(self._link, _owned(link.links))), self._asked(link, link.when))
        watched = self._watched(link)
        if isinstance(link, FilterLink) and link.when is not None:
            return Link(link.name, watched, when=self._asked(link, link.when))
        return Link(link.name, watched)

    def _watched(self, link: Owned) -> "_Watched":
        """A filter of exchanges or attempts."""
        assert not isinstance(link, ChainGroup)
        may_fail = isinstance(link, FilterLink) and link.skip_on_error
        is_changing = (link.owner, link.name) in self.changing
        return _Watched(link.name, None if is_changing else link.filter, may_fail, self._reporting(link))

    def _asked(self, link: Owned, when: Predicate) -> Predicate:
        report = self._reporting(link)

        def ask(exchange: Exchange) -> bool:
            try:
                return when(exchange)
            except Exception as error:  # noqa: BLE001 - whatever a plugin raises
                report(f"the condition of `{link.name}` fails on its first request", error)
                return False

        return ask

    def _reporting(self, link: Owned) -> Callable[[str, BaseException | None], None]:
        is_new, place, report = key_of(link) in self.new, link.config.place, self.report

        def tell(message: str, error: BaseException | None) -> None:
            log.debug(message, exc_info=error)
            if is_new:
                report(place, message if error is None else f"{message}: {told(error)}")

        return tell


@attrs.frozen
class _Watched:
    """A filter, with reports in the place of log lines; without one, an answer in the place of what it would do."""

    name: str
    filter: Any
    may_fail: bool
    tell: Callable[[str, BaseException | None], None]

    def wrap(
        self, following: Callable[[Any], Awaitable[Response]], /
    ) -> Callable[[Any], Awaitable[Response]]:
        """Return the handler, or `following` where the filter is off."""
        if self.filter is None:
            return _answer
        handler: Callable[[Any], Awaitable[object]] = self.filter.wrap(following)
        if handler is following:
            return following

        async def watched(subject: Exchange | Attempt) -> Response:
            entered = len(subject.spent or ())
            try:
                response = await handler(subject)
            except (GatewayError, asyncio.CancelledError):
                raise
            # the latter would end the process, if a client met it
            except (Exception, SystemExit) as error:
                if self.may_fail and len(subject.spent or ()) == entered:
                    return await following(subject)
                self.tell(f"`{self.name}` fails on its first request", error)
                raise FilterFailed(log=f"filter {self.name!r}: {error!r}") from error
            if not isinstance(response, Response):
                self.tell(
                    f"`{self.name}` answers its first request with {response!r:.80}, which is no Response",
                    None,
                )
                raise FilterFailed(log=f"filter {self.name!r} answered with {response!r:.80}")
            return response

        return watched


@attrs.frozen
class _Forward:
    """Stands for `forward`: one attempt, at an instance that is never asked."""

    instance: Instance
    send: AttemptHandler
    clock: Callable[[], float]

    def wrap(self, following: Handler, /) -> Handler:  # noqa: ARG002 - nothing comes after it
        """Return the handler."""

        async def forward(exchange: Exchange) -> Response:
            attempt = Attempt(exchange, self.instance, 1, self.clock())
            exchange.attempts.append(attempt)
            try:
                response = await self.send(attempt)
            except GatewayError as error:
                attempt.complete(error)
                raise
            attempt.complete()
            return response

        return forward


async def _answer(subject: Exchange | Attempt) -> Response:
    """Answer as a service would."""
    if isinstance(subject, Attempt):
        subject.status = 200
    return Response(200, Headers([(b"content-type", b"text/plain")]), Body(b"ok\n"))


async def past_the_end(exchange: Exchange) -> Response:
    """Fail: somebody before should have answered."""
    raise AssertionError(f"{exchange!r} went past the end of its chain")


# ---- what chains are made of ----------------------------------------------------------------------------------------


def _owned(links: Iterable[AnyLink]) -> Iterator[Owned]:
    """The links that somebody wrote."""
    return (link for link in links if isinstance(link, FilterLink | ChainGroup | AttemptFilterLink))


def flat(links: Iterable[AnyLink]) -> Iterator[Owned]:
    """The same, with those of chains."""
    for link in _owned(links):
        yield link
        if isinstance(link, ChainGroup):
            yield from flat(link.links)


def key_of(link: Owned) -> Key:
    """What a link is known by, as long as what it was made of stays the same."""
    return link.owner, "chain" if isinstance(link, ChainGroup) else "filter", link.name


def ids(links: Iterable[AnyLink]) -> tuple[int, ...]:
    """Equal for lists that were made of the same entries."""
    return tuple(id(link.config) for link in flat(links))


def told(error: BaseException) -> str:
    """An exception in one line."""
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words:.200}" if words else type(error).__name__
