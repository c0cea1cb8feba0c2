"""Workers under load: renewed, killed and stopped, with tunnels open and while the file changes."""
