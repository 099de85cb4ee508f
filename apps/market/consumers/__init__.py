"""The live feed: one WebSocket address, one hub per process."""
