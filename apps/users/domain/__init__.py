"""Rules about people and their roles, without Django."""
