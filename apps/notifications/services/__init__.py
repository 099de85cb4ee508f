"""Commands of notifications, one noun a file."""
