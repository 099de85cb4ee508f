"""Commands of users, one noun a file."""
