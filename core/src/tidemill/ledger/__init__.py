"""The ledger: double entries made from what happened, their hash, and what can be read from them. No I/O here: stores keep the rows."""
