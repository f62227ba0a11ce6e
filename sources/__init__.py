"""Where data comes from: bytes, records, typed tables, and the platforms."""
