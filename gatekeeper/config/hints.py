"""What people who know other gateways write, and what it is called here (gateway-yaml.md section (e)).

Asked before the nearest word is looked for: `upstreams` is near to nothing, and means `services`. A word stands here in
one spelling; `rateLimit`, `rate-limit` and `rate_limit` are the same.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from gatekeeper.config.later import later_in
from gatekeeper.config.problems import nearest, quoted


WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "": {
        "version": "_format_version api_version",
        "services": "upstream upstreams cluster_manager clusters backend backends",
        "services.NAME.instances": "targets servers nodes load_assignment sd discovery discovery_type",
        "services.NAME.timeouts": "timeout timeouts",
        "services.NAME.health": "health healthcheck healthchecks",
        "routes": "router routers endpoint endpoints api apis paths locations virtual_hosts",
        "filters": "filter middleware middlewares http_filters global_rules extra_config plugin_metadata interceptors",
        "chains": "chain plugin_configs",
        "server.listen": "listen listener listeners entry_points port ports bind proxy_listen addresses",
        "server.trusted_proxies": "trusted_proxies trusted_ips real_ip set_real_ip_from",
        "server.drain": "drain graceful_shutdown shutdown_timeout",
        "server.workers": "workers worker_processes threads",
        "server.health_path": "health_path",
        "admin.listen": "admin_listen admin_api api_listen",
        "stores.default": "redis store",
        "consumers": "consumer users clients acls keyauth_credentials basicauth_credentials jwt_secrets",
        "plans": "consumer_groups tiers",
        "authenticators": "auth authentication security oidc jwt",
        "observe": "log logs logging access_log metrics prometheus tracing telemetry opentelemetry",
        "server.listen.NAME.tls": "tls ssl certificates certs snis ca_certificates",
        "environments": "profiles envs",
        "include": "imports includes import",
    },
    "server": {
        "listen": "port ports bind host address addresses listener listeners",
        "trusted_proxies": "proxies trusted_ips real_ip forwarded_headers xff_num_trusted_hops",
        "drain": "graceful_timeout shutdown_timeout grace_period graceful_shutdown",
        "health_path": "health healthz health_check ping",
        "workers": "worker_processes processes threads",
        "timeouts": "timeout",
        "timeouts.idle": "keepalive keepalive_timeout idle_timeout",
        "limits": "max_header_size",
        "listen.NAME.tls": "tls ssl certificates",
    },
    "server.listen.*": {
        "address": "port host bind listen url",
        "tls": "ssl certificates cert",
        "proxy_protocol": "accept_proxy_protocol",
    },
    "server.timeouts": {
        "head": "header headers read_header request",
        "body": "read receive",
        "idle": "keepalive",
        "write": "send response",
    },
    "admin": {
        "listen": "address port host bind",
        "users": "token tokens auth password admin_key",
    },
    "services.*": {
        "instances": (
            "targets target servers server endpoints endpoint load_assignment nodes node upstreams upstream urls"
            " address addresses hosts backend backends discover discovery discovery_type sd service_name load_balancer"
        ),
        "balance": "algorithm strategy lb lb_policy sd_lb hash_on load_balancing sticky",
        "health": "health_check health_checks checks probe",
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
    "routes.*": {
        "to": (
            "service services service_id upstream upstreams upstream_id backend backends cluster clusters target targets"
            " weighted weighted_clusters destination proxy_pass route traffic_split url instances"
        ),
        "to.NAME.weight": "weight weights",
        "to.NAME.rollout": "canary rollout",
        "match": "rule rules condition conditions when filter_func",
        "match.host": "host hosts domain domains snis server_name",
        "match.path": "path paths uri uris url_path endpoint location",
        "match.method": "method methods verb",
        "match.header": "header headers input_headers vars",
        "match.query": "query input_query_strings",
        "match.address": "remote_addr remote_addrs",
        "match.scheme": "scheme schemes protocol protocols",
        "match.listener": "listener listeners entry_points",
        "rewrite.strip": "strip strip_path strip_prefix",
        "rewrite.prefix": "prefix add_prefix",
        "rewrite.path": "replace_path prefix_rewrite regex_rewrite url_pattern proxy_rewrite",
        "services.NAME.host_header": "preserve_host pass_host pass_host_header host_rewrite",
        "services.NAME.timeouts": "timeout timeouts",
        "services.NAME.retries": "retries retry retry_policy num_retries",
        "services.NAME.balance": "balance",
        "services.NAME.hedge": "hedge hedge_policy",
        "filters": "plugins middlewares middleware filter extra_config http_filters",
        "override": "overrides typed_per_filter_config skip",
        "priority": "order rank regex_priority",
        "max_body": "body_limit max_body_size client_max_body_size",
        "websocket": "upgrade upgrade_configs enable_websocket websockets",
        "sticky": "session_affinity",
        "labels": "tags metadata",
        "description": "desc comment",
    },
    "routes.*.to.*": {
        "weight": "share percent percentage ratio runtime_fraction",
        "pin": "when match condition header headers",
        "rollout": "canary steps",
    },
    "routes.*.sticky": {
        "by": "hash_on value header key",
        "cookie.name": "name cookie_name",
        "cookie.ttl": "ttl max_age",
    },
    "routes.*.sticky.cookie": {"ttl": "max_age expires lifetime"},
    "routes.*.rewrite": {
        "strip": "strip_prefix strip_path remove",
        "prefix": "add_prefix",
        "path": "replace replace_path uri url target to regex",
        "method": "verb",
        "services.NAME.host_header": "host host_rewrite authority",
    },
    "match": {
        "host": "hosts domain domains hostname hostnames snis authority",
        "path": "paths uri uris url urls prefix path_prefix endpoint regex",
        "method": "methods verb verbs",
        "header": "headers input_headers vars",
        "query": "params param args query_params query_parameters querystring input_query_strings",
        "cookie": "cookies",
        "scheme": "protocol protocols schemes",
        "listener": "listeners entry_point entry_points",
        "address": "ip ips client_ip source_ip remote_addr remote_addrs remote_address direct_remote_ip remote_ip cidr",
        "share": "percent percentage sample probability runtime_fraction",
        "consumer": "consumers user users principal",
        "role": "roles group groups acl",
        "scope": "scopes",
        "claim": "claims",
        "not": "unless except invert none",
    },
    "matcher": {
        "exact": "equal equals equal_to eq is value string string_match",
        "prefix": "starts_with begins_with prefix_match",
        "suffix": "ends_with suffix_match",
        "contains": "contain contains_match includes has substring",
        "regex": "regexp re match matches pattern safe_regex regex_match",
        "present": "exists exist present_match defined",
        "not": "invert invert_match ne not_equal unless",
    },
    "filter": {
        "auth": (
            "key_auth api_key basic_auth jwt jwt_auth jwt_authn auth/validator openid_connect oidc_auth oauth2"
            " mtls_auth forward_auth ext_authz authentication"
        ),
        "authorize": (
            "rbac acl ip_filter ip_restriction ip_allow_list ip_white_list consumer_restriction allow deny authorization"
        ),
        "ratelimit": (
            "rate_limit rate_limiting rate_limiting_advanced local_ratelimit limit_count limit_req"
            " qos/ratelimit/router throttle"
        ),
        "concurrency": "in_flight_req limit_conn max_in_flight bulkhead",
        "cache": "proxy_cache proxy_cache_advanced http_cache qos/http_cache",
        "transform": (
            "headers header request_transformer response_transformer header_mutation response_rewrite body_transformer"
            " request_headers response_headers add_header lua custom_request_headers"
        ),
        "mirror": "proxy_mirror mirroring request_mirror request_mirror_policies shadow shadow_backend",
        "fault": "fault_injection",
        "static": "request_termination direct_response mocking mock respond response return",
        "compress": "gzip brotli compression compressor",
        "redirect": "redirect_scheme redirect_regex https_redirect force_https",
        "fallback": "errors error_page error_pages",
        "use": "chain chains plugin_config",
        "routes.NAME.rewrite": "rewrite strip_prefix strip_prefix_regex add_prefix replace_path replace_path_regex proxy_rewrite",
        "routes.NAME.to": "traffic_split weighted canary",
        "routes.NAME.max_body": "request_size_limiting client_control buffering buffer max_body",
        "routes.NAME.override": "override skip",
        "services.NAME.retries": "retry retries",
        "services.NAME.breaker": "circuit_breaker api_breaker breaker",
        "services.NAME.timeouts": "timeout timeouts",
        "observe": "prometheus zipkin opentelemetry http_log file_log http_logger file_logger access_log correlation_id request_id",
    },
    "filters": {
        "when": "condition conditions match",
        "if_error": "on_error error",
        "name": "id label alias",
        "routes.NAME.override": "skip",
    },
    "filters.transform": {
        "request.headers": "headers request_headers header",
        "request.query": "query querystring",
        "response.headers": "response_headers",
    },
    **{
        f"filters.transform.{edits}": {
            "add": "append insert",
            "set": "replace overwrite update",
            "remove": "delete drop unset",
            "rename": "move",
        }
        for edits in ("request.headers", "request.query", "response.headers")
    },
    "filters.static": {
        "status": "code status_code http_status_code",
        "body": "content data message response_body",
        "body.text": "text",
        "body.json": "json",
        "headers": "header response_headers",
    },
    "filters.static.body": {"text": "string plain html content value"},
    "filters.redirect": {
        "to": "url location target destination path uri",
        "status": "code status_code",
        "scheme": "https",
        "host": "hostname",
    },
    "defaults": {"services": "service upstreams", "routes": "route routers"},
}
"""Place → what is meant → the words for it.

Places are those of `config.later`, and `match` is any condition, `matcher` what a value must be, `filter` the kinds of
filters. What is meant is a key there, or a path from there or from the top; NAME stands for any name.
"""

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
        "write it beside the address, as in `instances: [{url: http://host:8080, weight: 2}]`": "weight weights",
    },
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
