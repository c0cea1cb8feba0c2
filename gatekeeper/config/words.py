"""What people who know other gateways write, and what it is called here (gateway-yaml.md section (e)).

A word stands here in one spelling; `rateLimit`, `rate-limit` and `rate_limit` are the same.
"""

from collections.abc import Mapping
from typing import Final

from gatekeeper.config.service_words import SERVICE_WORDS


WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    **SERVICE_WORDS,
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
        "server.reload": "reload watch hot_reload",
        "server.workers": "workers worker_processes threads",
        "server.limits": "limits max_header_size max_connections worker_connections",
        "server.concurrency": "concurrency max_in_flight max_concurrent_requests",
        "server.underscore_headers": "underscores_in_headers",
        "server.health_path": "health_path",
        "admin.listen": "admin_listen admin_api api_listen",
        "admin.users": "admin_key admin_token",
        "providers": "provider",
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
        "limits.connections": "max_connections worker_connections",
        "limits.requests_per_connection": "keepalive_requests",
        "concurrency": "max_in_flight max_concurrent_requests overload_manager",
        "half_close": "half_closed allow_half_open abort_on_close proxy_ignore_client_abort",
        "underscore_headers": "underscores_in_headers headers_with_underscores_action underscores",
        "listen.NAME.tls": "tls ssl certificates",
        "reload": "watch hot_reload auto_reload",
    },
    "server.reload": {
        "watch": "enabled auto poll",
        "debounce": "delay every interval throttle providers_throttle_duration",
    },
    "server.listen.*": {
        "address": "port host bind listen url",
        "tls": "ssl certificates cert",
        "proxy_protocol": "accept_proxy_protocol",
    },
    "server.listen.*.tls": {
        "certificates": "certificate certs cert pem keys snis",
        "min_version": "min_tls_version ssl_protocols protocols tls_minimum_protocol_version version",
        "client": "client_auth mtls client_certificates ssl_verify_client ssl_client_certificate",
    },
    "server.listen.*.tls.certificates": {
        "certificate": "cert cert_file crt chain public_key certificate_chain ssl_certificate",
        "key": "key_file private_key ssl_certificate_key",
    },
    "server.listen.*.tls.client": {
        "ca": "cacert ca_file ca_files ca_certificate ca_certificates trusted_ca root_cas validation_context",
        "mode": "client_auth_type verify require_client_certificate ssl_verify_client",
    },
    "server.timeouts": {
        "head": "header headers read_header request",
        "body": "read receive",
        "idle": "keepalive",
        "write": "send response",
    },
    "server.limits": {
        "header_count": "headers max_headers max_headers_count",
        "header_line": "header_size max_header_size max_field_size field_size",
        "header_block": "head large_client_header_buffers max_request_headers_kb headers_size max_header_bytes",
        "target": "url uri path max_url max_uri_length max_line_size request_line",
        "body_rate": "min_rate rate min_data_rate min_body_rate",
        "connections": "max_connections worker_connections max_conns",
        "connections_per_address": "connections_per_ip per_ip limit_conn max_connections_per_ip",
        "requests_per_connection": "keepalive_requests max_requests max_requests_per_connection",
        "routes.NAME.max_body": "body body_size max_body client_max_body_size",
    },
    **{
        f"{place}.concurrency": {
            "limit": "max amount max_in_flight max_requests conn maximum",
            "queue": "burst backlog max_queue pending max_pending max_pending_requests",
            "wait": "timeout queue_timeout max_wait delay",
        }
        for place in ("server", "services.*")
    },
    "admin": {
        "listen": "address port host bind",
        "users": "token tokens auth password admin_key user",
    },
    "admin.users.*": {
        "role": "roles group groups permission permissions",
        "token_sha256": "token tokens token_hash sha256 hash key api_key password secret",
    },
    "providers.*": {
        "may_provide": "sections provides allow allowed kinds",
        "required": "wait must",
    },
    "provider": {"http": "https rest url", "sql": "database postgres db", "consul": "consul_catalog"},
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
    "routes.*.websocket": {
        "origins": "origin allowed_origins allow_origins cors",
        "lifetime": "max_lifetime max_duration max_stream_duration max_age",
        "protocols": "protocol upgrade upgrades upgrade_type",
        "services.NAME.timeouts.stream": "timeout idle idle_timeout timeouts",
    },
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
    "authenticator": {
        "api_key": "api_keys key_auth header query x_api_key",
        "basic": "basic_auth http_basic",
        "jwt": "jwt_auth jwt_authn jwts auth/validator bearer oauth2_jwt token",
        "oidc": "openid openid_connect oidc_auth oauth2_proxy",
        "introspection": "oauth2 oauth2_introspection token_introspection opaque",
        "mtls": "mtls_auth client_cert client_certificate tls_client_auth ssl",
        "external": "forward_auth ext_authz auth_request external_auth",
        "http_signature": "hmac hmac_auth signature",
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
        "cors": "cross_origin access_control",
        "security_headers": "secure_headers secure security helmet hsts browser_security",
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
    "filters.cors": {
        "origins": (
            "origin allow_origin allow_origins allowed_origins allow_origin_list access_control_allow_origin"
            " access_control_allow_origin_list allow_origin_string_match allow_origin_regex allow_origins_by_regex"
            " access_control_allow_origin_list_regex"
        ),
        "methods": "method allow_methods allowed_methods access_control_allow_methods",
        "headers": "header allow_headers allowed_headers access_control_allow_headers",
        "expose": "expose_headers exposed_headers access_control_expose_headers",
        "credentials": (
            "allow_credential allow_credentials access_control_allow_credentials with_credentials"
        ),
        "max_age": "ttl access_control_max_age preflight_max_age",
    },
    "filters.security_headers": {
        "hsts": "strict_transport_security sts_seconds sts max_age",
        "hsts_subdomains": "include_subdomains sts_include_subdomains subdomains",
        "frame": "frame_options x_frame_options frame_deny frameguard custom_frame_options_value",
        "nosniff": "no_sniff content_type_nosniff content_type_options x_content_type_options",
        "referrer": "referer referrer_policy",
        "csp": "content_security_policy",
        "permissions": "permissions_policy feature_policy",
    },
    "defaults": {"services": "service upstreams", "routes": "route routers"},
}
"""Place → what is meant → the words for it.

Places are those of `config.later`, and `match` is any condition, `matcher` what a value must be, `filter` the kinds of
filters. What is meant is a key there, or a path from there or from the top; NAME stands for any name.
"""
