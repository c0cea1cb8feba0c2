"""Soaks: a real gateway for minutes under load, while everything round it moves. `python -m tests.soak --help`.

Nothing here is patient: a client never sends a request again, and what is counted is counted exactly. Which check sees
which fault is itself tried out (`python -m tests.soak sabotage`). On a machine that is busy with other things,
`--no-times` leaves out the checks of what then is late.
"""
