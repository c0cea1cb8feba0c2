"""JSON Web Tokens and Keys, strictly (RFC 7515, 7517, 7518, 7519, 8725): pure decisions, no network, no clock of its own."""
