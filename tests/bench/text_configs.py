"""Configurations of gatekeeper, nginx and HAProxy, written as text.

Each has one core's worth of workers, its access log in a file (JSON where the proxy has a JSON format of its own, else its
default) and pooled upstream connections. Beyond that each runs with its defaults, except where nginx would
write large bodies to the disk.
"""

import os
from dataclasses import replace

from tests.bench import payload
from tests.bench.plan import Plan, Site


ACCESS_LINE = b'"logger":"gatekeeper.access"'


def gatekeeper(site: Site) -> Plan:
    """Observers on, as they are by default; the access log goes to stdout with the other lines."""
    config = site.write(
        "gateway.yaml",
        f"""\
version: 1
server:
  listen: "127.0.0.1:{site.port}"
admin:
  listen: "127.0.0.1:{site.admin_port}"
services:
  origin: http://127.0.0.1:{site.origin_port}
routes:
  items: {{match: "/api/{{kind}}/**", to: origin}}
  large: {{match: {payload.LARGE_PATH}, to: origin}}
""",
    )
    return Plan(
        [site.executable, "-m", "gatekeeper", "serve", "-c", str(config)], site.folder / "stdout", ACCESS_LINE
    )


def workers(site: Site) -> Plan:
    """Gatekeeper with two workers, on the same core: what a request costs is compared, not how many there are."""
    plan = gatekeeper(site)
    return replace(plan, command=[*plan.command, "--workers", "2"])


def nginx(site: Site) -> Plan:
    """Buffers of large bodies stay in memory: the defaults would write them to the disk."""
    user = "user root;" if os.geteuid() == 0 else ""
    temporary = "\n".join(
        f"  {kind}_temp_path {site.folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = site.write(
        "nginx.conf",
        f"""\
{user}
daemon off;
worker_processes 1;
pid {site.folder}/nginx.pid;
error_log {site.folder}/error.log warn;
events {{ worker_connections 8192; }}
http {{
{temporary}
  access_log {site.folder}/access.log;
  keepalive_requests 1000000000;
  client_max_body_size 0;
  upstream origin {{ server 127.0.0.1:{site.origin_port}; keepalive 128; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{site.port} backlog=1024;
    location / {{
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_request_buffering off;
      proxy_max_temp_file_size 0;
    }}
  }}
}}
""",
    )
    command = [site.executable, "-p", str(site.folder), "-e", f"{site.folder}/error.log", "-c", str(config)]
    return Plan(command, site.folder / "access.log")


def haproxy(site: Site) -> Plan:
    """HAProxy logs to syslog or to a descriptor; stdout is a file here."""
    config = site.write(
        "haproxy.cfg",
        f"""\
global
  nbthread 1
  maxconn 8192
  log stdout format raw local0
defaults
  mode http
  log global
  option httplog
  option forwardfor
  http-reuse always
  timeout connect 5s
  timeout client 75s
  timeout server 60s
frontend front
  bind 127.0.0.1:{site.port} backlog 1024
  default_backend back
backend back
  server origin 127.0.0.1:{site.origin_port} pool-max-conn 128
""",
    )
    return Plan([site.executable, "-db", "-f", str(config)], site.folder / "stdout")
