"""A crowd of hostile clients before a real gateway, and good traffic beside. `python -m tests.crowd --help`.

Three parts: `crowd` (thousands who are idle, slow, deaf, or gone as soon as they are there), `descriptors` (none is left to
accept anybody with) and `places` (more requests than may be under way). The gateway is a process with the shortest file there
is, hostile clients have processes of their own, and who is good never sends a request again.
"""
