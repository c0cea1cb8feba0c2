"""What ends a request otherwise than asked. The first three are raised by the node, the last one by this folder."""

from collections.abc import Mapping
from typing import Any, Final


class Conflict(Exception):
    """What is to be changed belongs to somebody else, or contradicts what is there; answered with 409."""


class Stale(Exception):
    """What is to be changed is no longer what was read; answered with 412."""


class Unavailable(Exception):
    """What is asked for stands where nobody gets at it now; answered with 503."""


class AdminError(Exception):
    """Ends a request with a status; `detail` says what is wrong and what to do, `more` are members of the answer."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status: Final = status
        self.detail: Final = detail
        self.headers: Final[Mapping[str, str]] = headers or {}
        self.more: Final[Mapping[str, Any]] = more or {}
