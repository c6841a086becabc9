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
