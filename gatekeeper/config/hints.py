"""What to write instead: what a word from another gateway means here, or what is nearest to it.

Asked before the nearest word is looked for: `upstreams` is near to nothing, and means `services`.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from gatekeeper.config.later import later_in
from gatekeeper.config.problems import nearest, quoted
from gatekeeper.config.words import WORDS


ADVICE: Final[Mapping[str, Mapping[str, str]]] = {
    "": {
        "for what runs on every request there is `filters`": "plugins",
        "leave it out: `services` and `routes` stand at the top": "http static_resources",
        "leave it out: the file itself is what is watched, and reloaded": "dynamic_resources dynamic",
        "leave it out": "$schema schema _transform",
        "this gateway speaks HTTP only": "tcp udp stream_routes streams",
    },
    "services.*": {
        "leave it out: the key is the name": "name id",
        "addresses stand in `instances`, as in `instances: [http://host:8080]`": "host protocol scheme port url type",
        "`routes` stand at the top, and say `to: NAME`": "routes route paths",
        "take the service out of the file instead": "enabled disabled",
        "write it beside the address, as in `instances: [{url: http://host:8080, weight: 2}]`": (
            "weight weights"
        ),
        "write it beside the address, as in `instances: [{url: http://host:8080, zone: east}]`": (
            "zone zones locality region"
        ),
    },
    "probe": {
        "`health` asks by itself: write `http: {path: /health}` here": "active checks",
        "what watches real requests is `outliers` of the service": "passive outlier outlier_detection unhealthy",
        "write `health: false`": "none off disabled",
    },
    "services.*.health": {
        "what watches real requests is `outliers` of the service": "passive",
        "`health` asks by itself: write `http: {path: /health}` here": "active",
        "write `health: false` where nothing is to be asked": "enabled disabled",
    },
    "services.*.outliers": {"write `outliers: false` where nothing is to be ejected": "enabled disabled"},
    "services.*.retries": {"write `retries: false` where nothing is to be sent again": "enabled disabled"},
    "balancer": {"the first address that is fit: give the others `priority: 1`": "first failover priority"},
    "provider": {
        "more files are named by `include`, and watched": "file files directory",
        "addresses of a service are looked up in its `instances`": "dns kubernetes docker",
    },
    "server.reload": {"the files are looked at anyway; write `watch: false` to leave that": "files paths"},
    "routes.*": {
        "leave it out: the key is the name": "name id",
        "it stands in `filters`, as in `filters: [use: NAME]`": "use chain chains plugin_config_id",
        "what runs on the way stands in `filters`, as in `filters: [redirect: /login]`": (
            "auth authorize ratelimit concurrency cache transform validate cors security_headers compress"
            " fallback mirror fault redirect static aggregate oidc options"
        ),
        "take the route out of the file instead": "enabled disabled status",
    },
    "match": {
        "conditions are data: write `{host: ..., path: ..., method: ...}`": "rule rules expression filter_func",
        "write a list of conditions: one of them is enough": "any any_of or or_match or_rules",
        "leave it out: all keys of a condition have to hold": "all all_of and and_match and_rules",
    },
    "matcher": {
        "write a list: one of its entries is enough": "in any any_of one_of or",
        "leave it out: names of header fields compare without case": "ignore_case case_insensitive",
    },
    "filter": {
        "the kind is the key, and its options stand below: `- redirect: {to: /login}`": (
            "config typed_config options settings kind type plugin plugins filter middleware"
        ),
        "leave it out: forwarding ends every chain by itself": "router proxy proxy_pass http_proxy",
    },
    "filters.cors": {
        "leave it out: preflights are answered here, and never passed on": (
            "preflight_continue options_passthrough options_success_status"
        ),
        "leave it out: `Vary` is written where it has to be": "add_vary_header vary",
        "leave it out: private networks are never opened to pages of others": (
            "private_network allow_private_network allow_private_network_access"
        ),
    },
    "filters.security_headers": {
        "leave it out: browsers have dropped it": (
            "browser_xss_filter xss_protection x_xss_protection xss_filter xss hpkp public_key"
        ),
        "leave it out, as it is hard to take back; or write `hsts: false`, and the field by `transform`": (
            "preload sts_preload hsts_preload"
        ),
    },
    "filters.redirect": {"write `status: 301` or `status: 308`": "permanent"},
    "filters": {
        "options stand below the kind: `- redirect: {to: /login}`": "config typed_config options settings",
        "leave the entry out instead": "enabled disabled disable",
        "leave it out: filters run in the order that is written": "priority order",
    },
}
"""Place → what to do, where no other word helps → the words that it is said of."""

ELSEWHERE: Final[Mapping[str, Mapping[str, str]]] = {
    "defaults.services": {
        "it is what makes each service another one": "instances like for_tenants description labels",
        "use the top-level `filters`, or a chain": "filters",
    },
    "defaults.routes": {
        "it is what makes each route another one": (
            "match to priority sticky rewrite override public description labels"
        ),
        "use the top-level `filters`": "filters",
        "use `defaults.services`": "timeouts retries hedge balance tls health outliers breaker concurrency pool host_header",
        "use the top-level `hosts`": "hosts host",
    },
    "defaults": {"it stands at the top": "hosts server admin filters chains version include environments"},
}
"""Place → where a key belongs, or why not here → the keys: they are known, and stand elsewhere."""


def _spelled(word: str) -> str:
    """The one spelling of a word: without case, and without what joins its parts."""
    return "".join(char for char in word.lower() if char not in "-_. ")


def _by_word(table: Mapping[str, Mapping[str, str]]) -> Mapping[str, Mapping[str, str]]:
    return {
        place: {_spelled(word): meant for meant, words in entries.items() for word in words.split()}
        for place, entries in table.items()
    }


_MEANT: Final = _by_word(WORDS)
_ADVICE: Final = _by_word(ADVICE)
_ELSEWHERE: Final = _by_word(ELSEWHERE)


def meant(place: str, key: str) -> str | None:
    """What a word means here: a key of this place, or a path; None where nobody is known to write it."""
    found = _MEANT.get(place, {}).get(_spelled(key))
    return None if found == key else found


def hint(place: str, key: str, known: Collection[str] = ()) -> str:
    """The end of a message about a key that is not known, or not available.

    It says what to write: what the word means for those who know other gateways, or what is nearest to it, or all that
    is known.
    """
    if advice := _ADVICE.get(place, {}).get(_spelled(key)):
        return f"; {advice}"
    if key.startswith("x-"):
        return "; keys with `x-` stand at the top only"
    later = later_in(place)
    target = meant(place, key) or nearest(key, [*known, *later])
    if target is None or target == key or (key in later and _is_later(place, target)):
        return f"; there are {quoted(known)}" if known else ""
    if target in later or _is_later(place, target):
        return f"; that would be `{target}`, which is not available yet"
    return f"; did you mean `{target}`?"


def elsewhere(place: str, key: str) -> str:
    """Where a key belongs that is known and does not stand here; empty for any other."""
    return _ELSEWHERE.get(place, {}).get(_spelled(key), "")


def _is_later(place: str, target: str) -> bool:
    """Whether what a path leads to is not built yet."""
    return any(key in later_in(inner) for start in (place, "") for inner, key in _steps(start, target))


def _steps(start: str, target: str) -> Iterator[tuple[str, str]]:
    """Each key on the way from a place, with the place that it stands in."""
    for step in target.split("."):
        yield start, step
        name = "*" if step == "NAME" else step
        start = f"{start}.{name}" if start else name
