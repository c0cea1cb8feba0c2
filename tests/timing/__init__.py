"""Whether the time of an answer tells how much of a secret was right: `python -m tests.timing`."""
