"""Accounts of books: what cannot be an address is found before anything starts."""

import json

import pytest

from tidemill.config.addresses import address_fault
from tidemill.config.load import parse_config
from tidemill.errors import ConfigError

EVM = "0x" + "Ac" * 20
WRAPPED = "So11111111111111111111111111111111111111112"


@pytest.mark.parametrize(
    ("chain", "account"),
    [
        ("eip155:1", EVM),
        ("eip155:1", EVM.upper().replace("0X", "0x")),
        ("solana:main", WRAPPED),
        ("solana:main", "1" * 32),
        ("sim:1", EVM),
        ("sim:1", WRAPPED),
        ("cosmos:hub-4", "cosmos1abc"),
    ],
)
def test_account_that_can_be_one_is_taken(chain: str, account: str) -> None:
    """Of the families that are known the form, of others the characters alone."""
    (book,) = parse_config(f'[books.main.accounts]\n"{chain}" = "{account}"\n', "x.toml", {}).books

    assert account.lower() == book.accounts[chain].lower()


@pytest.mark.parametrize(
    ("chain", "account", "said"),
    [
        ("sim:1", "hello", 'is no address of sim: expected 0x and 40 hexadecimal digits, or 32 bytes in base58, found text "hello"'),
        ("eip155:137", "", 'is no address of eip155: expected 0x and 40 hexadecimal digits, found text ""'),
        ("eip155:1", EVM[:-1], "expected 0x and 40 hexadecimal digits, found text of 41 characters"),
        ("eip155:1", WRAPPED, "expected 0x and 40 hexadecimal digits, found text of 43 characters"),
        ("solana:main", EVM, "is no address of solana: expected 32 bytes in base58, found text of 42 characters"),
        ("solana:main", "z" * 44, "is no address of solana: expected 32 bytes in base58, found text of 44 characters"),
        ("solana:main", "1" * 33, "is no address of solana: expected 32 bytes in base58, found text of 33 characters"),
        ("cosmos:hub-4", "a b", "is no address of cosmos: expected up to 128 letters, digits, -, ., % or _, found text"),
        ("ethereum", EVM, 'expected the id of a chain such as "eip155:1"'),
    ],
)
def test_account_that_cannot_be_one_is_told_with_its_line(chain: str, account: str, said: str) -> None:
    """A mistyped address is found without a key, a codec or a chain; a long text, which may be a secret, is not repeated."""
    with pytest.raises(ConfigError) as found:
        parse_config(f'[books.main.accounts]\n"{chain}" = "{account}"\n', "x.toml", {})

    (problem,) = found.value.problems
    assert ("x.toml:2", f"$.books.main.accounts.{chain if chain == 'ethereum' else json.dumps(chain)}") == tuple(str(problem).split()[:2])
    assert said in str(problem)
    assert len(account) < 25 or account not in str(problem)


def test_leading_ones_of_base58_are_bytes_of_zeros() -> None:
    """As many as are missing to 32, and no more."""
    assert address_fault("solana", "1" * 31 + "2") is None
    assert address_fault("solana", "1" * 32 + "2") is not None
