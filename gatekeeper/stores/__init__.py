"""What has to outlive the process: files that it writes itself. They know nothing of requests."""
