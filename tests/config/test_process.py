"""The process: what it does where nothing is said."""

import attrs
import pytest

from gatekeeper.config.addresses import Listen
from gatekeeper.config.process import (
    AdminConfig,
    AdminUserConfig,
    ProviderConfig,
    ReloadConfig,
    ServerConfig,
)


TOKEN = "a" * 64


def test_files_are_watched_unless_it_is_said() -> None:
    """A quarter of a second of silence, and they are read."""
    assert {"watch": True, "debounce": 0.25} == attrs.asdict(ReloadConfig())
    assert ReloadConfig() == ServerConfig().reload


def test_operators_are_on_this_machine_unless_there_are_users() -> None:
    """The one who may come in without a name."""
    assert Listen("127.0.0.1", 9901) == AdminConfig().listen
    assert {} == AdminConfig().users


def test_what_proves_a_user_is_not_shown() -> None:
    """Whoever has the hash of a weak token can find the token."""
    user = AdminUserConfig(role="viewer", token_sha256=TOKEN)

    assert TOKEN not in repr(user)
    assert attrs.fields(AdminUserConfig).token_sha256.metadata["secret"]


def test_a_provider_may_say_all_that_can_be_said() -> None:
    """And nobody waits for it."""
    provider = ProviderConfig(kind="http", options=object())

    assert ("services", "routes") == provider.may_provide
    assert not provider.required


@pytest.mark.parametrize("role", ["viewer", "operator", "admin"])
def test_there_are_three_roles(role: str) -> None:
    """Each may do what those before it may."""
    assert role in AdminUserConfig.__annotations__["role"].__args__
