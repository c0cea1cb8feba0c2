"""What people who know other gateways write about a service, and what it is called here (gateway-yaml.md section (e)).

The part of `config.words` that is about services.
"""

from collections.abc import Mapping
from typing import Final


SERVICE_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "services.*": {
        "instances": (
            "targets target servers server endpoints endpoint load_assignment nodes node upstreams upstream urls"
            " address addresses hosts backend backends discover discovery discovery_type sd service_name load_balancer"
        ),
        "balance": "algorithm strategy lb lb_policy sd_lb hash_on load_balancing balancer sticky",
        "health": "health_check health_checks checks probe probes",
        "outliers": "outlier outlier_detection passive_health_check passive_health_checks",
        "timeouts": "timeout",
        "timeouts.connect": "connect_timeout dial_timeout connection_timeout",
        "timeouts.read": "read_timeout",
        "timeouts.write": "write_timeout send_timeout",
        "timeouts.first_byte": "response_timeout response_header_timeout",
        "timeouts.total": "total_timeout request_timeout deadline",
        "retries": "retry retry_policy retry_timeout max_retries attempts",
        "breaker": "circuit_breaker api_breaker",
        "concurrency": "circuit_breakers thresholds in_flight_req limit_conn max_in_flight max_rate bulkhead",
        "pool": "keepalive keepalive_pool max_connections connection_pool",
        "host_header": "preserve_host pass_host pass_host_header host_rewrite upstream_host",
        "tls": "ssl transport_socket servers_transport client_certificate ca_certificates",
        "tls.verify": "tls_verify verify insecure_skip_verify",
        "filters": "plugins middlewares middleware filter http_filters extra_config plugin_config_id",
        "labels": "tags metadata",
        "description": "desc comment",
        "routes.NAME.rewrite.prefix": "path base_path",
    },
    "services.*.instances": {
        "url": "address host target server uri endpoint socket_address port",
        "id": "name",
        "weight": "share",
        "zone": "locality region",
        "dns": "service_name discovery_type srv",
    },
    "services.*.balance": {
        "slow_start": "warmup slow_start_window slow_start_config ramp_up",
        "panic_below": "panic panic_threshold healthy_panic_threshold",
        "prefer_zone": "zone zone_aware locality region",
        "hash.by": "by hash_on key header policies",
        "cookie.name": "cookie_name",
    },
    "services.*.balance.hash": {
        "by": "on key header hash_on value",
        "bounded": "balance_factor hash_balance_factor load",
    },
    "services.*.balance.cookie": {
        "name": "cookie cookie_name",
        "ttl": "max_age expires",
        "otherwise": "fallback default hash_fallback",
    },
    "services.*.health": {
        "every": "interval period interval_seconds every_seconds",
        "timeout": "timeouts",
        "healthy_after": "healthy_threshold successes success_threshold rise",
        "unhealthy_after": "unhealthy_threshold failures failure_threshold fall fails",
        "http.path": "path http_path uri url endpoint",
        "http.statuses": "statuses status http_statuses expected_statuses codes status_codes",
        "http.port": "port",
        "http.host": "host hostname",
        "http.headers": "headers header request_headers_to_add",
        "http.method": "method",
        "http.body": "body expect receive",
    },
    "services.*.health.http": {
        "path": "uri url endpoint http_path",
        "statuses": "status expected_statuses http_statuses codes status_codes expect_status",
        "host": "hostname",
        "headers": "header",
        "body": "expect receive match",
    },
    "services.*.outliers": {
        "consecutive_failures": (
            "consecutive_errors consecutive_5xx consecutive_gateway_errors consecutive_gateway_failure max_fails"
            " failure_threshold consecutive_local_origin_failure"
        ),
        "failure_rate": "failure_percentage failure_percentage_threshold error_rate max_failed_attempts",
        "min_requests": "request_volume failure_percentage_request_volume minimum",
        "window": "interval failure_window fail_timeout",
        "failures": "if on statuses http_statuses codes unhealthy errors",
        "eject_for": "base_ejection_time recovery_window sleep ejection_time open_for",
        "eject_at_most": "max_ejection_percent max_ejected maximum",
    },
    "services.*.retries": {
        "count": "attempts num_retries max tries retries max_retries limit times",
        "if": "on retry_on conditions statuses status_codes retriable_status_codes failures when",
        "backoff": "delay initial_interval retry_back_off wait sleep",
        "budget": "retry_budget",
        "replay_body": "buffer max_body body",
        "honour_retry_after": "retry_after honor_retry_after rate_limited_retry_back_off",
        "idempotency_key": "idempotent idempotency retry_non_idempotent",
    },
    "services.*.retries.backoff": {
        "base": "base_interval initial initial_interval min",
        "max": "max_interval cap limit",
    },
    "services.*.retries.budget": {
        "share": "budget_percent percent ratio",
        "floor": "min_retry_concurrency min minimum min_per_second",
    },
    "services.*.pool": {
        "max_connections": "size max connections max_conns max_connections_per_host limit",
        "idle": "idle_timeout keepalive_timeout keepalive ttl",
        "max_requests": "requests keepalive_requests max_requests_per_connection",
    },
    "balancer": {
        "round_robin": "rr wrr roundrobin weighted round_robin_weighted",
        "least_connections": "least_conn least_connection least_request least_requests lc wlc",
        "random": "rand",
        "power_of_two": "p2c two_choices power_of_two_choices random_two two_random_choices",
        "latency": "ewma least_time peak_ewma fastest",
        "hash": "chash ring_hash maglev ip_hash consistent_hashing consistent_hash source uri_hash hrw",
        "cookie": "sticky session sticky_cookie affinity session_affinity",
    },
    "probe": {
        "http": "https http_get http_health_check get request",
        "tcp": "tcp_health_check connect connection socket port_check",
    },
    "services.*.timeouts": {
        "connect": "connection connect_timeout dial dial_timeout open",
        "write": "send send_timeout write_timeout",
        "read": "receive read_timeout idle response",
        "first_byte": "response_header_timeout response_header first headers",
        "total": "overall request max timeout deadline",
        "stream": "websocket sse",
    },
    "services.*.tls": {
        "ca": "cacert ca_file ca_certificate ca_certificates trusted_ca root_cas",
        "certificate": "cert cert_file crt client_cert client_certificate",
        "key": "key_file private_key client_key",
        "server_name": "sni hostname host",
        "verify": "insecure_skip_verify tls_verify verify_peer check ssl_verify",
    },
}
"""Place → what is meant → the words for it, as in `config.words`."""
