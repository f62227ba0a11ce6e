"""How bytes become records."""
