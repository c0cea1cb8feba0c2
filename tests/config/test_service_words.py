"""The words for what belongs to services: those that people bring from the gateways they know."""

import pytest

from gatekeeper.config.hints import hint, meant
from gatekeeper.config.service_words import SERVICE_WORDS
from gatekeeper.config.words import WORDS


def test_they_are_among_all_words() -> None:
    """Hints look into one table."""
    assert SERVICE_WORDS.items() <= WORDS.items()


@pytest.mark.parametrize(
    ("place", "word", "target"),
    [
        pytest.param("services.*", "lb_policy", "balance", id="Envoy"),
        pytest.param("services.*", "healthchecks", "health", id="Kong"),
        pytest.param("services.*", "passiveHealthCheck", "outliers", id="Traefik"),
        pytest.param("services.*", "keepalive_pool", "pool", id="APISIX"),
        pytest.param("services.*", "passHostHeader", "host_header", id="Traefik-host"),
        pytest.param("balancer", "LEAST_REQUEST", "least_connections", id="Envoy-balancer"),
        pytest.param("balancer", "chash", "hash", id="APISIX-balancer"),
        pytest.param("balancer", "p2c", "power_of_two", id="Traefik-balancer"),
        pytest.param("balancer", "ip_hash", "hash", id="Nginx-balancer"),
        pytest.param("services.*.health", "interval", "every", id="Traefik-health"),
        pytest.param("services.*.health", "unhealthy_threshold", "unhealthy_after", id="Envoy-health"),
        pytest.param("services.*.health", "http_path", "http.path", id="APISIX-health"),
        pytest.param("services.*.outliers", "max_ejection_percent", "eject_at_most", id="Envoy-outliers"),
        pytest.param("services.*.outliers", "max_fails", "consecutive_failures", id="Nginx-outliers"),
        pytest.param("services.*.retries", "attempts", "count", id="Traefik-retries"),
        pytest.param("services.*.retries", "retry_on", "if", id="Envoy-retries"),
        pytest.param("services.*.retries", "on", "if", id="a-slip"),
        pytest.param("services.*.pool", "idle_timeout", "idle", id="APISIX-pool"),
    ],
)
def test_what_people_bring(place: str, word: str, target: str) -> None:
    """From section (e) of the grammar, and from the manuals of others."""
    assert target == meant(place, word)
    assert f"; did you mean `{target}`?" == hint(place, word)


@pytest.mark.parametrize(
    ("place", "word", "advice"),
    [
        ("probe", "active", "; `health` asks by itself: write `http: {path: /health}` here"),
        ("probe", "passive", "; what watches real requests is `outliers` of the service"),
        ("balancer", "first", "; the first address that is fit: give the others `priority: 1`"),
        ("provider", "file", "; more files are named by `include`, and watched"),
    ],
)
def test_what_has_no_word_here(place: str, word: str, advice: str) -> None:
    """What to do instead."""
    assert advice == hint(place, word)
