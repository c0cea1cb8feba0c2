"""The live services and their instances."""
