"""Reloads: a gateway serves requests, slow transfers and event streams while its file is edited, 1,000 times in ten minutes."""
