"""What to write instead of a word that is not known here, or not here."""

import pytest

from gatekeeper.config.hints import elsewhere, hint, meant


@pytest.mark.parametrize(
    ("place", "key", "expected"),
    [
        pytest.param("services.*", "targets", "; did you mean `instances`?", id="Kong"),
        pytest.param("services.*", "loadBalancer", "; did you mean `instances`?", id="Traefik-camel-case"),
        pytest.param("", "clusters", "; did you mean `services`?", id="Envoy"),
        pytest.param("", "endpoints", "; did you mean `routes`?", id="KrakenD"),
        pytest.param("routes.*", "upstream_id", "; did you mean `to`?", id="APISIX"),
        pytest.param("routes.*", "strip-path", "; did you mean `rewrite.strip`?", id="a-path"),
        pytest.param(
            "routes.*", "timeout", "; did you mean `services.NAME.timeouts`?", id="a-path-from-the-top"
        ),
        pytest.param(
            "services.*",
            "circuitBreaker",
            "; that would be `breaker`, which is not available yet",
            id="to-come",
        ),
        pytest.param(
            "filter",
            "rate-limiting",
            "; that would be `ratelimit`, which is not available yet",
            id="a-kind-to-come",
        ),
        pytest.param(
            "filter",
            "qos/ratelimit/router",
            "; that would be `ratelimit`, which is not available yet",
            id="a-kind-with-slashes",
        ),
        pytest.param(
            "",
            "redis",
            "; that would be `stores.default`, which is not available yet",
            id="from-the-top-to-come",
        ),
        pytest.param(
            "server",
            "tls",
            "; did you mean `listen.NAME.tls`?",
            id="a-name-on-the-way",
        ),
        pytest.param(
            "routes.*",
            "canary",
            "; that would be `to.NAME.rollout`, which is not available yet",
            id="below-a-route-to-come",
        ),
        pytest.param(
            "filter",
            "circuit-breaker",
            "; that would be `services.NAME.breaker`, which is not available yet",
            id="a-filter-that-will-be-a-part",
        ),
        pytest.param("", "plugins", "; for what runs on every request there is `filters`", id="advice"),
        pytest.param(
            "server.reload",
            "run_test",
            "; that would be `run_tests`, which is not available yet",
            id="near-to-come",
        ),
        pytest.param("server", "lisen", "; did you mean `listen`?", id="near"),
        pytest.param(
            "filter",
            "Typed.Config",
            "; the kind is the key, and its options stand below: `- redirect: {to: /login}`",
            id="other-signs",
        ),
        pytest.param("server", "listen", "; there are `listen`, `drain`", id="the-key-itself"),
        pytest.param("server", "zzz", "; there are `listen`, `drain`", id="all-there-are"),
        pytest.param("server", "x-note", "; keys with `x-` stand at the top only", id="notes"),
        pytest.param("match", "cookies", "; did you mean `cookie`?", id="match"),
        pytest.param("routes.*", "public", "", id="to-come-itself"),
        pytest.param(
            "routes.*", "retries", "; did you mean `services.NAME.retries`?", id="to-come-and-there-elsewhere"
        ),
        pytest.param("nowhere", "lisen", "; did you mean `listen`?", id="a-place-without-words"),
    ],
)
def test_what_to_write_instead(place: str, key: str, expected: str) -> None:
    """The word that is meant; else what is near; else all there is."""
    known = () if expected == "" else ("listen", "drain")

    assert expected == hint(place, key, known)


def test_nothing_is_said_where_nothing_is_known() -> None:
    """The key itself stays without a word."""
    assert hint("nowhere", "anything") == ""
    assert meant("services.*", "instances") is None
    assert meant("services.*", "Targets") == "instances"


def test_keys_that_stand_elsewhere() -> None:
    """They are known, and refused as such."""
    assert elsewhere("defaults.routes", "filters") == "use the top-level `filters`"
    assert elsewhere("defaults.routes", "host-header") == "use `defaults.services`"
    assert elsewhere("defaults.services", "filters") == "use the top-level `filters`, or a chain"
    assert elsewhere("defaults.routes", "encoded_slashes") == ""
    assert elsewhere("nowhere", "filters") == ""
