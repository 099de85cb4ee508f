"""Pages of sign-in and of the security settings."""
