"""Decisions without I/O: values in, decision out."""
