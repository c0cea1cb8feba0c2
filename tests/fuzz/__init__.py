"""Fuzzing of HTTP/1.1 in both directions: whatever comes in, what goes out is one and the same message, or nothing."""
