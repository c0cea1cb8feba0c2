"""What classes refuse beyond the types of their keys, as JSON Schema; a keyword is about values of its own type only."""

from collections.abc import Mapping
from typing import Any, Final

from gatekeeper.config.model import (
    RetriesConfig,
    RewriteConfig,
    ServiceConfig,
    StickyConfig,
    TlsConfig,
)


Schema = dict[str, Any]

REFERENCE: Final = r"\$\{"
TRUE: Final[Schema] = {"const": True}

_NO_SLASH_AT_END: Final[Schema] = {"pattern": "[^/]$"}
_BOTH: Final[Schema] = {"type": "object", "required": ["by", "cookie"], "properties": {"by": {"minItems": 1}}}
RULES: Final[Mapping[type, Schema]] = {
    ServiceConfig: {"properties": {"instances": {"minItems": 1}}},
    RetriesConfig: {"minimum": 0, "properties": {"if": {"minItems": 1}}},
    RewriteConfig: {
        "pattern": f"^/|{REFERENCE}",
        "properties": {
            "path": {"pattern": f"^/|{REFERENCE}"},
            "strip": _NO_SLASH_AT_END,
            "prefix": _NO_SLASH_AT_END,
        },
        "not": {"anyOf": [{"type": "object", "required": ["path", other]} for other in ("strip", "prefix")]},
    },
    StickyConfig: {"not": {"anyOf": [TRUE, _BOTH]}},
    TlsConfig: {"allOf": [{"properties": {"certificates": {"minItems": 1}}}]},
}
