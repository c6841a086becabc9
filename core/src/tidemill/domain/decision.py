"""Values of risk and planning: what may be risked, how much will be."""

from attrs import frozen

from tidemill.domain.ids import AssetId, Key, PoolId

Missing = tuple[tuple[PoolId, tuple[Key, ...]], ...]
"""State that a quote lacked: pools with the keys to read."""


@frozen
class Valid:
    """The opportunity still holds: the amount and profit found when it was quoted again, base units of its asset."""

    amount: int
    profit: int


@frozen
class Allowance:
    """The most that an opportunity may use, in base units of ``asset``: own money, borrowed money; ``cost`` in native base units."""

    asset: AssetId
    own: int
    borrowed: int
    cost: int

    def least(self, other: "Allowance") -> "Allowance":
        """Return the smaller of both in every figure."""
        return Allowance(self.asset, min(self.own, other.own), min(self.borrowed, other.borrowed), min(self.cost, other.cost))

    def halved(self, units: int) -> "Allowance":
        """Return half of what was tried, rounded down, the cost unchanged: used when a plan of ``units`` does not fit its chain."""
        return Allowance(self.asset, min(self.own, units) // 2, min(self.borrowed, units) // 2, self.cost)


@frozen
class Sized:
    """How much and whose money.

    ``units`` base units of the opportunity's asset go in; ``lender`` is None for own money. ``profit`` is what is left above them after
    pool and loan fees, before chain costs. ``missing`` names, per pool, state that would be needed to go further; the core asks for it.
    """

    units: int
    profit: int
    lender: str | None = None
    missing: Missing = ()
