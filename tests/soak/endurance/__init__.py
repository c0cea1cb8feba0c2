"""A long time under everything at once, and how much memory that leaves behind."""
