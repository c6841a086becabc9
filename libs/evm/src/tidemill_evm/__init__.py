"""What plugins for EVM chains share: encodings, storage layouts, logs and typed steps, without I/O.

``abi``, ``address``, ``keccak``, ``create2`` and ``storage`` are the chain family's own; ``erc20``, ``uniswap_v2``, ``uniswap_v3``
and their ``_logs`` modules say where those contracts keep their state and what they emit, to read and to write; ``steps``,
``executor`` and ``gas`` say how a plan becomes calldata and what it costs; ``rlp``, ``transactions`` and ``secp256k1`` what is signed, and
by whom.
"""
