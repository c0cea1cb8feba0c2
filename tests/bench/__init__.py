"""The benchmark: gatekeeper beside other proxies, one run, same upstream, same load (`python -m tests.bench`)."""
