"""What is a preflight, and what it asks for."""

import pytest

from gatekeeper.core.preflight import requested_method
from gatekeeper.testing import make_exchange


ORIGIN = ("Origin", "https://a.example")
ASKED = ("access-control-request-method", "PUT")


@pytest.mark.parametrize(
    ("method", "fields", "expected"),
    [
        pytest.param("OPTIONS", [ORIGIN, ASKED], "PUT", id="preflight"),
        pytest.param("OPTIONS", [ORIGIN, ("Access-Control-Request-Method", "put")], "put", id="as-it-came"),
        pytest.param("OPTIONS", [("origin", "null"), ASKED], "PUT", id="origin-null"),
        pytest.param("OPTIONS", [ORIGIN, ("access-control-request-method", "")], "", id="empty-is-one"),
        pytest.param("OPTIONS", [ORIGIN, ASKED, ASKED], "PUT, PUT", id="twice-is-no-method"),
        pytest.param("OPTIONS", [ORIGIN], None, id="RBC-03-without-a-method"),
        pytest.param("OPTIONS", [ASKED], None, id="RBC-03-without-an-origin"),
        pytest.param("OPTIONS", [], None, id="RBC-03-options"),
        pytest.param("GET", [ORIGIN, ASKED], None, id="RBC-03-get"),
        pytest.param("options", [ORIGIN, ASKED], None, id="RBC-03-case"),
    ],
)
def test_the_method_that_is_asked_for(
    method: str, fields: list[tuple[str, str]], expected: str | None
) -> None:
    """Fetch: OPTIONS with Origin and Access-Control-Request-Method, and nothing else."""
    assert expected == requested_method(make_exchange(method, headers=fields).request)
