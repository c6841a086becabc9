"""A run with real money: what must hold before it starts, what an earlier run left open, and how its plans reach signer and chain."""
