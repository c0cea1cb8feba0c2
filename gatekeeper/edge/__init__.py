"""The side of the clients: aiohttp's low-level server made strict, clean requests out of dirty bytes, and answers."""
