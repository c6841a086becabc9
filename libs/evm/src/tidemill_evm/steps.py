"""The steps of a plan on an EVM chain; addresses are in lower case, amounts in base units."""

from attrs import frozen

from tidemill.hookspecs.chain import Step


@frozen
class V2Swap(Step):
    """Sell ``amount_in`` of ``token_in`` to a constant product pair, or with None all that the executor holds of it.

    ``fee_ppm`` is what the executor computes the output with: the pair itself only checks its product. Less than ``min_out`` of
    ``token_out`` fails the whole plan; 0 leaves that to a guard.
    """

    pool: str
    token_in: str
    token_out: str
    zero_for_one: bool
    fee_ppm: int
    amount_in: int | None
    min_out: int


@frozen
class V3Swap(Step):
    """Sell ``amount_in`` of ``token_in`` to a concentrated pool, or with None all that the executor holds of it.

    Less than ``min_out`` of ``token_out`` fails the whole plan; 0 leaves that to a guard.
    """

    pool: str
    token_in: str
    token_out: str
    zero_for_one: bool
    amount_in: int | None
    min_out: int


@frozen
class CallSwap(Step):
    """Sell ``amount_in`` of ``token_in`` by one call of any contract, or with None all that the executor holds of it.

    This is the step of every exchange that is neither a constant product pair nor a concentrated pool: vaults, routers, stable pools. What
    the executor contract must do with it is said in ``tidemill_evm.executor``; in short, it allows ``spender`` exactly the amount, writes
    the amount into the call, makes it without any native coin, and reverts where it lost more than the amount or gained less than
    ``min_out``. Where the contract asks who pays and who receives, ``calldata`` names who calls: ``wallet.executor or wallet.owner``.
    A plan ends by its own expiry, so that a deadline in ``calldata`` may be the largest number of its type.

    Calldata is made with 0 as the amount, and its place looked up::

        calldata = encode_call(SIGNATURE, ((pool_id, 0, sell, buy, 0, b""), (caller, False, caller, False), 0, MAX))
        amount_at = word_offset(SIGNATURE, calldata, (0, 4))
        CallSwap(vault, vault, sell, buy, calldata, amount_at, swap.amount_in, swap.min_out)

    Attributes:
        contract: whom the executor calls; no token of the plan, since a token could be told to give away what the executor holds.
        spender: who takes ``token_in`` by allowance, often ``contract`` itself; no token of the plan either.
        token_in: what is sold.
        token_out: what is bought, another token.
        calldata: all bytes of the call, selector first; 4 to 65,535.
        amount_at: where in ``calldata`` the 32 bytes begin into which the executor writes the amount sold: they are 0 here, and behind the
            selector. None leaves ``calldata`` as it is: then it names the amount itself, and ``amount_in`` is not None.
        amount_in: base units, above 0, or None.
        min_out: base units by which the executor's balance of ``token_out`` must grow; less fails the whole plan. 0 leaves that to a guard.
    """

    contract: str
    spender: str
    token_in: str
    token_out: str
    calldata: bytes
    amount_at: int | None
    amount_in: int | None
    min_out: int


@frozen
class FlashLoan(Step):
    """Borrow ``amount`` of ``asset``, carry out ``inner``, and repay ``amount + fee``.

    ``provider`` is the lender's name, ``pool`` the contract that lends.
    """

    provider: str
    pool: str
    asset: str
    amount: int
    fee: int
    inner: tuple[Step, ...]
