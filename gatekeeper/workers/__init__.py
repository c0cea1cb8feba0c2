"""Many processes: a supervisor with the control plane, and workers that take the requests."""
