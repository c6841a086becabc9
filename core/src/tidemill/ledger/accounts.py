"""The accounts of a book, and how each kind of entry posts to them.

Every entry sums to zero per asset. What is in ``wallet`` is owned; all other accounts say where it came from or went, with the
opposite sign: a gain of trading stands in ``trading`` as a negative number.

| entry      | wallet                     | against                                                            |
| ---------- | -------------------------- | ------------------------------------------------------------------ |
| opening    | what the book begins with  | ``opening``                                                        |
| fill       | change, loans repaid       | ``trading`` before loan fees; ``loan_fee`` what lenders kept;      |
|            |                            | ``loan:<lender>`` the borrowing and the repayment, together zero   |
| cost       | what the chain took        | ``chain_cost``                                                     |
| adjustment | a difference that was found| ``adjustment``                                                     |
| reversal   | the entry in ``ref`` with every sign turned                                                     |

An opening restates what earlier runs of the same ledger left, so that each run can be read and verified by itself. What a book holds
now is therefore the sum over the latest run that opened it on that chain, not the sum over all runs.
"""

WALLET = "wallet"
OPENING = "opening"
TRADING = "trading"
LOAN_FEE = "loan_fee"
CHAIN_COST = "chain_cost"
ADJUSTMENT = "adjustment"
LOAN_PREFIX = "loan:"

ENTRY_KINDS = ("opening", "fill", "cost", "adjustment", "reversal")


def loan_account(lender: str) -> str:
    """Return the account of what is owed to a lender; zero again at the end of every entry, since loans live inside one flow."""
    return LOAN_PREFIX + lender
