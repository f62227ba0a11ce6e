"""The documents are tested: what they show is real."""
