"""How many descriptors this process may have: thousands of connections are more than most processes begin with."""

import resource


def allow_descriptors() -> int:
    """Let this process have all that it may have; how many these are."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most
