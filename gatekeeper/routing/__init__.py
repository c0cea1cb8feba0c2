"""From a request to the route that answers it: canonical path, templates, conditions, ranks, lookup."""
