"""HTTP API of notifications, one noun a file."""
