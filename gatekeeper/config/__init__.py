"""From the text of a `gateway.yaml` to frozen classes, or to everything that is wrong with it."""
