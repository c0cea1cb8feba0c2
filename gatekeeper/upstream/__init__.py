"""The way to the services: connections, their pools, and sending one request over one of them."""
