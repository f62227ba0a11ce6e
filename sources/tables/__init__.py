"""How records become typed Arrow tables."""
