"""The jobs people run: lock, heal, extract, load, verify, ledger."""
