"""From a path as it was sent to the route that answers it: canonical form, templates, lookup."""
