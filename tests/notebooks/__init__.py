"""Notebooks run, show what they say, and stand beside their Jupyter form."""
