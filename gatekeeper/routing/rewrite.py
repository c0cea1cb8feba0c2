"""What the instance is asked for, where that is not what the client asked for."""

import attrs

from gatekeeper.core.exchange import Exchange
from gatekeeper.core.text import Text
from gatekeeper.routing.path import canonical


@attrs.frozen(kw_only=True)
class Rewrite:
    """Another path, or the same without a prefix, with another one, or both; and another method.

    It works on the canonical path, so that a spelling of the client's cannot dodge it, and what comes out is checked
    like a path that a client sent (BadTarget is raised). The query stays.
    """

    path: Text | None = None
    strip: str = ""
    prefix: str = ""
    method: str | None = None
    keep_encoded_slashes: bool = False
    """Whether an encoded slash may come out, because the route keeps them."""

    def apply(self, exchange: Exchange) -> None:
        """Change the request's target and method.

        Raises:
            BadTarget: the new path is none.

        """
        request = exchange.request
        if self.path is not None:
            path = self.path.render(exchange)
        else:
            path = request.path
            if self.strip:
                path = path.removeprefix(self.strip)
            path = self.prefix + path
        if not path.startswith("/"):
            path = "/" + path
        _, target = canonical(path.encode(), keep_encoded_slashes=self.keep_encoded_slashes)
        _, mark, query = request.target.partition(b"?")
        request.target = target + mark + query
        if self.method is not None:
            request.method = self.method
