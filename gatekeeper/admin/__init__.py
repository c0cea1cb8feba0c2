"""The side of the operators: a listener of its own, never reachable through the data listeners."""
