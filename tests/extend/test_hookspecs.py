"""The moments at which plugins are asked: a promise, so each of them is written down here once more."""

import inspect

import pytest

from gatekeeper.extend import hookspecs


HOOKS = {
    "gatekeeper_register": ["catalog"],
    "gatekeeper_validate": ["config"],
    "gatekeeper_lifespan": ["gateway"],
    "gatekeeper_admin_routes": ["gateway"],
    "gatekeeper_event": ["event"],
}


def test_the_hooks_and_their_arguments_are_these() -> None:
    """A name or an argument that goes away breaks plugins that people have written."""
    found = {
        name: list(inspect.signature(hook).parameters)
        for name, hook in vars(hookspecs).items()
        if name.startswith("gatekeeper_")
    }

    assert HOOKS == found


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_says_when_it_is_called_and_is_never_called_itself(name: str) -> None:
    """The specification does nothing."""
    hook = getattr(hookspecs, name)

    assert len(hook.__doc__) > 40
    with pytest.raises(NotImplementedError):
        hook(None)
