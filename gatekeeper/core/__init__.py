"""The vocabulary of the gateway: messages, bodies, exchanges, chains, errors, time. No I/O, nothing above it."""
