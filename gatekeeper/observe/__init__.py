"""What the gateway tells about itself: metrics, logs, trace context, request ids.

Observers are not filters: the edge runs them round every exchange, so that no configuration can order or
forget them, and they fail open: nothing in this folder raises into a request or waits for a disk, a pipe or a
reader.

Read `request_id` and `trace` (who is this request?), then `metrics` (how many, how long?), then `log` with its
helpers `lines` (how a line looks) and `output` (how it reaches the descriptor whole), and `observer`, which feeds
them all.
"""
