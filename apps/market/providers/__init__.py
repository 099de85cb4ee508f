"""Where prices come from: packaged history, its replay, and later live feeds."""
