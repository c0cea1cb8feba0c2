"""One authenticator, built as the gateway builds it from a configuration."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from gatekeeper.extend.authenticate import Authenticator
from gatekeeper.runtime.build import Builder
from gatekeeper.runtime.identity import NoKeys
from gatekeeper.runtime.keep import Keep
from gatekeeper.runtime.loading import load_gateway_text
from gatekeeper.testing.call import default_host, make_host
from gatekeeper.testing.surroundings import Surroundings


NO_CONSUMERS: Final[Mapping[str, Any]] = {}


def make_authenticator(
    kind: str,
    options: Any = True,
    *,
    consumers: Mapping[str, Any] = NO_CONSUMERS,
    identity: Mapping[str, Any] | None = None,
    plugins: Sequence[Any] = (),
    surroundings: Surroundings | None = None,
    name: str = "",
) -> Authenticator:
    """Build an authenticator through a configuration, as a file would have it.

    `options` are what stands behind `kind:`, `identity` what stands beside it, and `consumers` those of the file; they have
    credentials for `name`, which is that of the kind where none is given, and any plans. Ask it of an exchange:

        keys = make_authenticator("api_key", consumers={"acme": {"credentials": {"api_key": {"sha256": ...}}}})
        consumer = await keys.authenticate(make_exchange(headers={"X-Api-Key": "..."}))

    Raises:
        ConfigError: the configuration is refused.
        ValueError: the kind does not take these options.

    """
    host = make_host(plugins) if plugins else default_host()
    surroundings = surroundings or Surroundings()
    name = name or kind
    part = {kind: options} if identity is None else {kind: options, "identity": identity}
    plans: dict[str, Any] = {one["plan"]: {} for one in consumers.values() if "plan" in one}
    data = {"version": 1, "authenticators": {name: part}, "plans": plans, "consumers": consumers}
    config = load_gateway_text(orjson.dumps(data).decode(), host).config
    keep = Keep(surroundings.spawn)
    builder = Builder(surroundings, host.catalog, surroundings.fake_clock.wheel, keep, open_keys=NoKeys)
    return builder.authenticator(name, config.authenticators[name], config)
