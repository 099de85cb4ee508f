"""Outside knowledge about passwords."""
