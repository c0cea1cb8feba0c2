"""Configurations of Envoy, Traefik and Caddy, written as JSON.

Each has one core's worth of workers, its access log in a file (JSON where the proxy has a JSON format of its own, else its
default) and pooled upstream connections. Beyond that each runs with its defaults.
"""

import json

from tests.bench.plan import Plan, Site


GO = {"GOMAXPROCS": "1"}
ENVOY_LOG = {
    "time": "%START_TIME%",
    "method": "%REQ(:METHOD)%",
    "path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
    "protocol": "%PROTOCOL%",
    "status": "%RESPONSE_CODE%",
    "flags": "%RESPONSE_FLAGS%",
    "bytes_in": "%BYTES_RECEIVED%",
    "bytes_out": "%BYTES_SENT%",
    "duration_ms": "%DURATION%",
    "upstream_ms": "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%",
    "forwarded_for": "%REQ(X-FORWARDED-FOR)%",
    "user_agent": "%REQ(USER-AGENT)%",
    "request_id": "%REQ(X-REQUEST-ID)%",
    "authority": "%REQ(:AUTHORITY)%",
    "upstream": "%UPSTREAM_HOST%",
}


def envoy(site: Site) -> Plan:
    """One worker; the access log has the fields of the default text format, as JSON (which costs it the same)."""
    log = site.folder / "access.log"
    types = "type.googleapis.com/envoy.extensions"
    manager = {
        "@type": f"{types}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "front",
        "codec_type": "HTTP1",
        "use_remote_address": True,
        "access_log": [
            {
                "name": "file",
                "typed_config": {
                    "@type": f"{types}.access_loggers.file.v3.FileAccessLog",
                    "path": str(log),
                    "log_format": {"json_format": ENVOY_LOG},
                },
            }
        ],
        "http_filters": [
            {"name": "router", "typed_config": {"@type": f"{types}.filters.http.router.v3.Router"}},
        ],
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "origin", "timeout": "0s"}}],
                }
            ]
        },
    }
    config = {
        "static_resources": {
            "listeners": [
                {
                    "address": _socket_address(site.port),
                    "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
                }
            ],
            "clusters": [
                {
                    "name": "origin",
                    "type": "STATIC",
                    "load_assignment": {
                        "cluster_name": "origin",
                        "endpoints": [
                            {"lb_endpoints": [{"endpoint": {"address": _socket_address(site.origin_port)}}]},
                        ],
                    },
                }
            ],
        }
    }
    path = site.write("envoy.json", json.dumps(config))
    command = [
        site.executable,
        "-c",
        str(path),
        "--concurrency",
        "1",
        "--disable-hot-restart",
        "-l",
        "warning",
    ]
    # the log is written in blocks; the last lines of a round shall not wait for ten seconds
    return Plan([*command, "--file-flush-interval-msec", "500"], log)


def _socket_address(port: int) -> dict[str, object]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def traefik(site: Site) -> Plan:
    """The file provider and a JSON access log, unbuffered as by default."""
    log = site.folder / "access.log"
    routes = {
        "http": {
            "routers": {"all": {"rule": "PathPrefix(`/`)", "service": "origin", "entryPoints": ["web"]}},
            "services": {
                "origin": {"loadBalancer": {"servers": [{"url": f"http://127.0.0.1:{site.origin_port}"}]}}
            },
        }
    }
    dynamic = site.write("routes.yaml", json.dumps(routes))
    static = {
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
        "entryPoints": {"web": {"address": f"127.0.0.1:{site.port}"}},
        "providers": {"file": {"filename": str(dynamic), "watch": False}},
        "accessLog": {"filePath": str(log), "format": "json"},
    }
    config = site.write("traefik.yaml", json.dumps(static))
    return Plan([site.executable, f"--configFile={config}"], log, env=GO)


def caddy(site: Site) -> Plan:
    """A JSON access log in a file that is not rotated meanwhile."""
    log = site.folder / "access.log"
    config = {
        "admin": {"disabled": True},
        "logging": {
            "logs": {
                "default": {"level": "WARN", "exclude": ["http.log.access"]},
                "requests": {
                    "include": ["http.log.access"],
                    "writer": {"output": "file", "filename": str(log), "roll": False},
                    "encoder": {"format": "json"},
                },
            }
        },
        "apps": {
            "http": {
                "servers": {
                    "front": {
                        "listen": [f"127.0.0.1:{site.port}"],
                        "automatic_https": {"disable": True},
                        "logs": {},
                        "routes": [
                            {
                                "handle": [
                                    {
                                        "handler": "reverse_proxy",
                                        "upstreams": [{"dial": f"127.0.0.1:{site.origin_port}"}],
                                    }
                                ]
                            }
                        ],
                    }
                }
            }
        },
    }
    path = site.write("caddy.json", json.dumps(config))
    home = str(site.folder)
    return Plan(
        [site.executable, "run", "--config", str(path)],
        log,
        env={**GO, "HOME": home, "XDG_DATA_HOME": home, "XDG_CONFIG_HOME": home},
    )
