"""What is fixed about the simulated chain."""

from tidemill_simworld import BLOCK_TIME_S, GENESIS_UNIX, HUBS, NATIVE, VAULT, block_time_ns, price_time_ns, vault_key


def test_block_time_ns_grows_by_the_block_time() -> None:
    """Block 0 stands at genesis, each further one a block time later."""
    assert GENESIS_UNIX * 10**9 == block_time_ns(0, BLOCK_TIME_S)
    assert (GENESIS_UNIX + 30) * 10**9 == block_time_ns(10, 3)


def test_price_time_ns_lies_halfway_to_the_next_block() -> None:
    """Prices of a height come after its block and before the next."""
    assert block_time_ns(4, 3) + 1_500_000_000 == price_time_ns(4, 3)


def test_vault_key_is_the_slot_of_the_token_s_address() -> None:
    """The vault keeps a token's balance in the slot whose number is its address."""
    weth = HUBS[0].address
    address, _, slot = vault_key(weth).partition(":")
    assert VAULT == address
    assert int(weth, 16) == int(slot, 16)


def test_native_is_ether_on_the_simulated_chain() -> None:
    """The native coin has SLIP-44 number 60."""
    assert "sim:1/slip44:60" == NATIVE
