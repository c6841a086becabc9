"""Rows of every kind, for suites that write ledgers: ordinary ones and the worst that the kernel may hand out."""

from collections.abc import Iterable, Mapping, Sequence

from tidemill.domain.ids import AssetId, BookId, ChainId, OpportunityId, PlanId
from tidemill.domain.records import EntryRow, IntentRow, OpportunityRow, Posting, ResultRow, Row

MAIN, SIM = BookId("main"), ChainId("sim:1")
USDC, WETH = AssetId("sim:1/erc20:0xaa"), AssetId("sim:1/erc20:0xbb")
GROUP = 4
"""So many rows make a group: an opportunity, its intent, its result, its entry."""
WIDEST = (1 << 256) - 1
TEXTS = ("", "’naïve’ ½ 🚀", 'quote " and \\ backslash', "line\nfeed\r\n\ttab", "null\x00byte", "'; DROP TABLE runs; --", "x" * 20_000)
"""Texts that reasons and references may hold: whatever a contract or a node said."""


def group(first: int, amount: int = 1_000_000, text: str = "") -> tuple[Row, ...]:
    """Return four rows, one of each kind, numbered from ``first``; the entry moves ``amount`` base units of USDC."""
    plan, found = PlanId(f"plan-{first}"), OpportunityId(f"opportunity-{first}")
    return (
        OpportunityRow(
            first, found, MAIN, "spatial", "arbitrage", SIM, 7, USDC, ("sim:1/u:0x01", "sim:1/u:0x02"), amount, -amount, "taken", "", text,
            plan,
        ),
        IntentRow(first + 1, plan, found, MAIN, "spatial", SIM, 7, "planned", ((USDC, amount), (WETH, 0)), amount, "0xfeed", text),
        ResultRow(first + 2, plan, MAIN, "spatial", SIM, 8, "0x08", "filled", ((USDC, amount),), 3, text),
        entry(first + 3, "fill", amount, ref=text),
    )  # fmt: skip


def groups(count: int, first: int = 1) -> tuple[Row, ...]:
    """Return so many groups, numbered without a hole; the amount of each follows from its number."""
    return tuple(row for seq in range(first, first + GROUP * count, GROUP) for row in group(seq, amount=10**18 + seq // GROUP))


def entry(
    seq: int,
    kind: str,
    amount: int,
    *,
    book: str = "main",
    chain: str = "sim:1",
    asset: AssetId = USDC,
    account: str = "trading",
    ref: str = "",
) -> EntryRow:
    """Return an entry that moves an amount into a wallet, against another account."""
    lines = (Posting("wallet", asset, amount), Posting(account, asset, -amount))
    return EntryRow(seq, f"entry-{seq}", BookId(book), ChainId(chain), 8, kind, ref, lines)


def rejected(seq: int) -> OpportunityRow:
    """Return an opportunity that nothing came of: it names no plan."""
    found = OpportunityId(f"opportunity-{seq}")
    return OpportunityRow(seq, found, MAIN, "spatial", "signal", SIM, 9, WETH, (), 0, 0, "rejected", "validate", "no longer gains", None)


def balances_of(runs: Sequence[Iterable[Row]]) -> Mapping[tuple[BookId, str, AssetId], int]:
    """Return the balances that runs leave, oldest first: per book and chain the postings from the latest run that opened it on."""
    latest: dict[tuple[BookId, ChainId], int] = {}
    entries = [(run, row) for run, rows in enumerate(runs) for row in rows if isinstance(row, EntryRow)]
    for run, row in entries:
        if row.kind == "opening":
            latest[row.book, row.chain] = run
    sums: dict[tuple[BookId, str, AssetId], int] = {}
    for run, row in entries:
        if run >= latest.get((row.book, row.chain), 0):
            for line in row.postings:
                place = (row.book, line.account, line.asset)
                sums[place] = sums.get(place, 0) + line.amount
    return {place: amount for place, amount in sums.items() if amount}
