"""Keys as other programs keep them: Web3 v3 files, Solana's ``id.json`` and base58, plain hexadecimal."""
