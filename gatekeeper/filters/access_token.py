"""An access token that the gateway gets for itself (RFC 6749 section 4.4, client credentials), for `upstream_auth`.

It is there before it is needed: asked for when the configuration comes into force, and again in the background when three
quarters of its life are over. Where that fails the last one is good until it expires, and asking goes on, less and less often.
A token that a service refuses is replaced, once: a service that refuses every token must not make the gateway ask for ever
new ones. No message shows a token.
"""

import re
from collections.abc import Iterable
from random import Random
from typing import Final

import attrs

from gatekeeper.core.clock import Timer, Wheel
from gatekeeper.extend.calls import (
    CallFailed,
    Calls,
    Reply,
    SingleFlight,
    client_header,
    is_endpoint,
    json_object,
)
from gatekeeper.extend.running import RunningGateway
from gatekeeper.extend.vocabulary import help_line


TIMEOUT: Final = 5.0
"""Seconds that an answer may take, all of it."""
LIFE: Final = 300.0
LONGEST_LIFE: Final = 24 * 3600.0
"""Seconds that a token is used where nothing is said of that, and at most."""
MARGIN: Final = 5.0
"""Seconds before its end in which it is not used any more: it has to reach the service. A tenth, of short lives."""
RENEWED_AT: Final = (0.7, 0.8)
"""The part of its life after which it is replaced; not all gateways ask at the same moment."""
ONCE_IN: Final = 30.0
"""Seconds between two tokens that are asked for because services refuse the one before."""
FIRST: Final = 1.0
LONGEST: Final = 60.0
"""Seconds until the next try after the first failure, and at most."""

# RFC 6750 section 2.1 has fewer; what could end a header field, or become two, is no token
_TOKEN: Final = re.compile(r"[!-~]{1,16384}")


def _are_scopes(_instance: object, _attribute: object, scopes: tuple[str, ...]) -> None:
    # RFC 6749 section 3.3
    for scope in scopes:
        if not re.fullmatch(r"[!#-\[\]-~]+", scope):
            raise ValueError(
                f"`{scope}` is no scope; write each as an entry of the list, without blanks and quotes"
            )


@attrs.frozen(kw_only=True)
class ClientCredentialsConfig:
    """A token that the gateway gets for itself from a server of OAuth 2.0."""

    token_url: str = attrs.field(
        validator=is_endpoint("write `client_id` and `client_secret`"),
        metadata=help_line("where the server gives tokens"),
    )
    client_id: str = attrs.field(metadata=help_line("how the server knows the gateway"))
    client_secret: str = attrs.field(
        repr=False, metadata={**help_line("how the gateway proves that it is it"), "secret": True}
    )
    scopes: tuple[str, ...] = attrs.field(
        default=(),
        validator=_are_scopes,
        metadata=help_line("what the token shall be good for; what the server says"),
    )
    audience: str | None = attrs.field(
        default=None, metadata=help_line("for whom it shall be, where the server wants to know")
    )

    @property
    def form(self) -> Iterable[tuple[str, str]]:
        """What is asked for (RFC 6749 section 4.4.2)."""
        yield "grant_type", "client_credentials"
        if self.scopes:
            yield "scope", " ".join(self.scopes)
        if self.audience is not None:
            yield "audience", self.audience


class AccessToken:
    """A token, and the next one. It outlives the configurations that use it."""

    def __init__(
        self,
        name: str,
        config: ClientCredentialsConfig,
        gateway: RunningGateway,
        wheel: Wheel,
        random: Random,
    ) -> None:
        """Ask for nothing yet; logs and metrics call it `name`."""
        self._config: Final = config
        self._gateway: Final = gateway
        self._now: Final = gateway.clock.monotonic
        self._wheel: Final = wheel
        self._random: Final = random
        self._calls: Final = Calls(name, gateway, timeout=TIMEOUT)
        self._flights: Final = SingleFlight[str, None](name, gateway.spawn)
        self._token = ""
        self._until = 0.0
        self._replaced = 0.0  # when it was last got, or refused
        self._is_refused = False
        self._failures = 0
        self._not_before = 0.0
        self._timer: Timer | None = None
        self._closed = False

    def __repr__(self) -> str:
        return f"<AccessToken {self._calls.name}{'' if self._token else ' none yet'}>"

    def begin(self) -> None:
        """Ask for the first one, in a process that sends requests."""
        if self._gateway.role != "supervisor":
            self._flights.begin("", self._fetch)

    def close(self) -> None:
        """Ask for no more."""
        self._closed = True
        self._plan(None)

    async def get(self) -> str:
        """Return a token that is good.

        Raises:
            CallFailed: there is none, and none can be had now.

        """
        if self._is_good and not self._is_refused:
            return self._token
        try:
            if self._now() < self._not_before:
                raise CallFailed("unreachable", "no token could be had a moment ago")
            await self._flights.join("", self._fetch)
        except CallFailed:
            if not self._is_good:
                raise
        return self._token

    def refuse(self, token: str) -> None:
        """Hear that a service has refused a token."""
        now = self._now()
        if token == self._token and now - self._replaced >= ONCE_IN:
            self._replaced = now
            self._is_refused = True

    @property
    def _is_good(self) -> bool:
        return bool(self._token) and self._now() < self._until

    async def _fetch(self) -> None:
        config, asked = self._config, self._now()
        try:
            token, life = await self._calls.ask(
                _read,
                "POST",
                config.token_url,
                headers=[
                    client_header(config.client_id, config.client_secret),
                    ("Accept", "application/json"),
                ],
                form=config.form,
            )
        except CallFailed:
            wait = min(LONGEST, FIRST * 2.0 ** min(self._failures, 16)) * self._random.uniform(0.5, 1)
            self._failures += 1
            self._not_before = self._now() + wait
            self._plan(wait)
            raise
        finally:
            # where there is no other one, it is better than none
            self._is_refused = False
        self._token = token
        self._until = asked + life - min(MARGIN, life / 10)
        self._replaced = self._now()
        self._failures = 0
        self._not_before = 0.0
        self._plan(max(FIRST, life * self._random.uniform(*RENEWED_AT)))

    def _plan(self, seconds: float | None) -> None:
        """Ask again after some time."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if seconds is not None and not self._closed:
            self._timer = self._wheel.add(seconds, self._again)

    def _again(self) -> None:
        self._flights.begin("", self._fetch)


def _read(reply: Reply) -> tuple[str, float]:
    """The token, and for how many seconds it is good (RFC 6749 section 5.1)."""
    found = json_object(reply)
    token, kind, life = found.get("access_token"), found.get("token_type"), found.get("expires_in", LIFE)
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise CallFailed("answer", "its answer has no token")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise CallFailed("answer", "its answer has a token of another type than `Bearer`")
    if isinstance(life, str) and life.isascii() and life.isdecimal():
        life = int(life)  # some write it so
    if isinstance(life, bool) or not isinstance(life, int | float) or life <= 0:
        raise CallFailed("answer", "its answer does not say for how many seconds its token is good")
    return token, float(min(life, LONGEST_LIFE))
