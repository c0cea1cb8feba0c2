"""What finds out who asks: what is shown of it, and who keeps the promise."""

from gatekeeper.auth.api_key import ApiKey
from gatekeeper.core.identity import Consumer
from gatekeeper.extend.authenticate import Authenticator, Credential
from gatekeeper.testing import make_authenticator


def test_a_credential_is_not_shown() -> None:
    """Whatever a kind holds there."""
    credential = Credential(Consumer(name="acme", authenticators=("keys",)), "hush")

    assert "hush" not in repr(credential)
    assert "acme" in repr(credential)


def test_what_is_built_in_keeps_the_promise() -> None:
    """To a type checker, and at run time."""
    keys: Authenticator = make_authenticator("api_key")

    assert isinstance(keys, ApiKey)
    assert callable(keys.authenticate)
    assert callable(keys.conceal)
    assert isinstance(keys.challenge, str)
