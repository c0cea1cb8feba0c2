"""Who asks: credentials in, an identity out."""
