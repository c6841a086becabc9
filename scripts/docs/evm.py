"""The page of what plugins of EVM chains share."""

from collections.abc import Iterator

from scripts.docs.markdown import code, member, page, prose, shape, table, whole
from scripts.docs.source import read_source

MODULES = (
    "storage", "abi", "steps", "executor", "logs", "erc20", "transactions", "rlp", "secp256k1", "address", "create2", "keccak", "gas",
    "errors",
)  # fmt: skip
"""In the order that an author meets them; those of one exchange's contracts are left to their docstrings."""


def evm_page() -> str:
    """State keys, calldata, steps, and what else an author of a contract needs."""
    return page(
        "The EVM library",
        "the docstrings of `tidemill_evm`",
        "A plugin of an EVM contract depends on `tidemill-evm`. It gives the names of state, bytes in and out, and the steps that an\n"
        "executor carries out. The kernel knows none of it.",
        "## How state is named\n\n"
        + table(
            ("what", "key", "value", "made by"),
            [
                ("a storage slot", "`<address>:0x<slot>`", "a word of 32 bytes", "[`storage_key`](#storage_key)"),
                ("an answer to a call", "`<address>:call:0x<calldata>`", "the bytes that `eth_call` returns", "[`call_key`](#call_key)"),
            ],
        )
        + "\nAll digits are in lower case. None says that the key is *known to be absent*: a call that reverts. A slot that was never\n"
        "written is a word of zeros. A key that is not in the states at all was not read yet: `decode` answers with\n"
        "[`Needs`](values.md#needs) and is asked again. Watch slots or logs where they tell the same as a call: of a watched call the\n"
        "chain has to ask again in every block.",
        "## A contract that is no pair\n\n"
        "Quotes are yours to make, from any state. To be traded, a swap becomes a step in `build_steps`. There are three:\n"
        "[`V2Swap`](#v2swap), [`V3Swap`](#v3swap), and for every other contract [`CallSwap`](#callswap), one call with the amount\n"
        "put in by the executor. A step of your own class does not do: the executor could not carry it out, and planning ends in an\n"
        "`EncodeError`, on paper too.",
        *[part for name in MODULES for part in _module(name)],
    )


def _module(name: str) -> Iterator[str]:
    source = read_source(f"tidemill_evm.{name}")
    yield f"## `{source.module}`\n\n{prose(source.doc)}"
    if source.names:
        yield table(("name", "meaning"), [(code(found.name), whole(found.doc)) for found in source.names])
    yield from (member(found, "", 3) for found in source.functions)
    yield from (shape(found) for found in source.shapes)
