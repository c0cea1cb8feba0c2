"""A node that is nothing but data, for the web layer; it obeys the protocol to the letter."""

from typing import Any

from gatekeeper.admin.errors import Conflict, Stale


TEXT = "version: 1\nservices:\n  users: {instances: [{url: 'http://a:1', id: 'http://a:1'}]}\n"
ETAG = '"c0ffee"'
HOSTILE = "<img src=x onerror=alert(1)>"

PROBLEM = {
    "id": "unknown-name",
    "path": "routes.users.to",
    "message": "no service `usres`; did you mean `users`?",
    "file": "gateway.yaml",
    "line": 7,
    "column": 9,
    "severity": "error",
}
WARNING = {**PROBLEM, "id": "unused", "severity": "warning", "message": "used by nothing"}


def instance(name: str) -> dict[str, Any]:
    """An instance as the node tells it."""
    return {
        "id": name,
        "url": name,
        "weight": 1,
        "configured_weight": 1,
        "zone": "",
        "priority": 0,
        "state": "fit",
        "health": {
            "status": "healthy",
            "reason": "",
            "last_check": 1.7e9,
            "response_time": 0.003,
            "successes": 3,
            "failures": 0,
        },
        "in_flight": 0,
        "latency": 0.0,
        "ejections": 0,
        "connections": 1,
    }


def service(name: str, source: str, *instances: str) -> dict[str, Any]:
    """A service as the node tells it."""
    return {
        "name": name,
        "balance": "round_robin",
        "in_flight": 0,
        "fit": len(instances),
        "health": {"kind": "http", "every": 30.0, "timeout": 5.0, "healthy_after": 2, "unhealthy_after": 3},
        "source": source,
        "instances": [instance(one) for one in instances],
    }


def rule(rank: int, name: str, source: str = "file") -> dict[str, Any]:
    """A way to a route as the node tells it."""
    return {
        "rank": rank,
        "route": name,
        "priority": 0,
        "methods": [],
        "host": "*",
        "path": f"/{name}/**",
        "conditions": [],
        "to": {"users": 1},
        "filters": [],
        "place": "gateway.yaml:9",
        "source": source,
    }


KEY = "gk_plain"


def apikey(name: str, **values: Any) -> dict[str, Any]:
    """An API key as the node tells it."""
    blank = {
        "consumer": "acme",
        "authenticator": "keys",
        "hint": "lain",
        "scopes": [],
        "note": "",
        "created": 1.7e9,
        "expires": None,
        "revoked": None,
        "successor": None,
        "state": "live",
    }
    return {**blank, **values, "id": name}


class MemoryNode:
    """Remembers what it is told; `calls` has the names of what changed something."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.state = "running"
        self.error: str | None = None
        self.problems: list[dict[str, Any]] = []
        self.applied: list[tuple[str | None, bool]] = []
        self.failure: Exception | None = None
        self.ways = [rule(1, "users")]
        self.made = {"k_old": apikey("k_old")}
        self.known = {
            "users": service("users", "file", "http://a:1", "http://b:2"),
            "sockets": service("sockets", "file", "unix:///run/a b.sock", "http://[::1]:80"),
        }

    async def status(self) -> dict[str, Any]:
        if self.failure is not None:
            raise self.failure
        return {
            "version": "0.1.0",
            "revision": 3,
            "state": self.state,
            "ready": self.state == "running",
            "uptime": 12.5,
            "listeners": {"main": "0.0.0.0:8080"},
            "config": {
                "file": "gateway.yaml",
                "loaded_at": 1.7e9,
                "error": self.error,
                "error_at": None,
                "problems": [],
            },
        }

    async def exposition(self, accept: str) -> tuple[bytes, str]:
        if "openmetrics" in accept:
            return b"gatekeeper_x 1\n# EOF\n", "application/openmetrics-text; version=1.0.0"
        return b"gatekeeper_x 1\n", "text/plain; version=0.0.4; charset=utf-8"

    async def metrics(self) -> dict[str, Any]:
        samples = [{"labels": {"route": "users"}, "value": 1}]
        return {
            "gatekeeper_x": {
                "type": "gauge",
                "help": HOSTILE,
                "labels": ["route"],
                "once": False,
                "samples": samples,
            }
        }

    async def system(self) -> dict[str, Any]:
        return {
            "pid": 1,
            "python": "3.11.2",
            "uptime": 12.5,
            "cpu_percent": 1.5,
            "memory_resident": 50_000_000,
            "memory_percent": 0.2,
            "threads": 3,
            "descriptors": 14,
            "load": [0.1, 0.2, 0.3],
        }

    async def requests(self) -> dict[str, Any]:
        times = {"requests": 1, "errors": 0, "p50": 0.001, "p95": 0.001, "p99": None}
        return {
            "total": 1,
            "in_flight": 0,
            "by_status": {"2xx": 1},
            "by_route": {"users": times},
            "by_service": {},
        }

    async def services(self) -> list[dict[str, Any]]:
        return list(self.known.values())

    async def service(self, name: str) -> dict[str, Any]:
        if name not in self.known:
            raise LookupError(f"no service {name}; there are {', '.join(self.known)}")
        return self.known[name]

    async def check(self, name: str) -> list[dict[str, Any]]:
        found = await self.service(name)
        self.calls.append("check")
        return [{"id": one["id"], "outcome": "ok", "reason": ""} for one in found["instances"]]

    async def override(self, service: str, instance: str, changes: dict[str, Any]) -> dict[str, Any]:
        found = await self._instance(service, instance)
        self.calls.append("override")
        found["weight"] = changes.get("weight", found["weight"])
        found["state"] = (
            "disabled" if changes.get("disable") else "draining" if changes.get("drain") else "fit"
        )
        return found

    async def _instance(self, service: str, instance: str) -> dict[str, Any]:
        for one in (await self.service(service))["instances"]:
            if one["id"] == instance:
                return dict(one)
        raise LookupError(f"{service} has no instance {instance}")

    async def rules(self) -> list[dict[str, Any]]:
        return self.ways

    async def config(self) -> dict[str, Any]:
        return {"text": TEXT, "revision": 3, "etag": ETAG}

    async def apply(self, text: str | None, *, dry_run: bool, if_match: str | None) -> dict[str, Any]:
        if if_match not in {None, ETAG}:
            raise Stale("the configuration has changed since it was read; read it again")
        refused = any(problem["severity"] == "error" for problem in self.problems)
        if not dry_run and not refused:
            self.calls.append("apply")
        self.applied.append((text, dry_run))
        return {"applied": not dry_run and not refused, "revision": 3, "problems": self.problems}

    async def register(self, section: str, name: str, body: Any) -> dict[str, Any]:
        if section == "services":
            self._own(self.known.get(name))
            if not isinstance(body["instances"], list) or not body["instances"]:
                raise ValueError("`instances` is empty")
            self.known[name] = service(name, "admin", *body["instances"])
        else:
            self._own(next((way for way in self.ways if way["route"] == name), None))
            self.ways.append(rule(len(self.ways) + 1, name, "admin"))
        self.calls.append("register")
        return {"applied": True, "revision": 4, "problems": []}

    def _own(self, entry: dict[str, Any] | None) -> None:
        if entry is not None and entry["source"] != "admin":
            raise Conflict("it comes from file; change it there")

    async def remove(self, section: str, name: str) -> dict[str, Any]:
        entries = self.known if section == "services" else {way["route"]: way for way in self.ways}
        if name not in entries:
            raise LookupError(f"no {name} in {section}")
        self._own(entries[name])
        if section == "services":
            del self.known[name]
        else:
            self.ways = [way for way in self.ways if way["route"] != name]
        self.calls.append("remove")
        return {"applied": True, "revision": 5, "problems": []}

    async def register_instance(self, service: str, body: Any) -> dict[str, Any]:
        found = await self.service(service)
        found["instances"].append(instance(body["url"]))
        self.calls.append("register_instance")
        return {"applied": True, "revision": 4, "problems": []}

    async def remove_instance(self, service: str, instance: str) -> dict[str, Any]:
        await self._instance(service, instance)
        self.calls.append("remove_instance")
        found = self.known[service]
        found["instances"] = [one for one in found["instances"] if one["id"] != instance]
        return {"applied": True, "revision": 5, "problems": []}

    async def keys(self) -> list[dict[str, Any]]:
        return list(self.made.values())

    async def create_key(self, body: dict[str, Any]) -> dict[str, Any]:
        if body["consumer"] != "acme":
            raise ValueError(f"there is no consumer `{body['consumer']}`; there are `acme`")
        self.calls.append("create_key")
        made = self.made[f"k_{len(self.made)}"] = apikey(f"k_{len(self.made)}", **body)
        return {**made, "key": KEY}

    async def rotate_key(self, key_id: str, body: dict[str, Any]) -> dict[str, Any]:
        old = self._key(key_id)
        self.calls.append("rotate_key")
        made = self.made["k_new"] = apikey("k_new", **old)
        self.made[key_id] = {**old, "successor": "k_new", "expires": old["created"] + body.get("grace", 1)}
        return {**made, "key": KEY}

    async def revoke_key(self, key_id: str) -> None:
        self.made[key_id] = {**self._key(key_id), "revoked": 1.8e9, "state": "revoked"}
        self.calls.append("revoke_key")

    def _key(self, key_id: str) -> dict[str, Any]:
        if key_id not in self.made:
            raise LookupError(f"there is no key `{key_id}`")
        return self.made[key_id]

    async def restart(self) -> None:
        self.calls.append("restart")

    async def drain(self) -> None:
        self.calls.append("drain")
        self.state = "draining"
