"""Tables of text with aligned columns."""

from collections.abc import Iterator, Sequence


def table(title: str, cells: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Yield a titled table after an empty line; the last column is set to the right where it holds a number."""
    yield ""
    if not cells:
        yield f"{title}: none"
        return
    yield title
    yield from rows(cells, right=())


def rows(cells: Sequence[tuple[str, ...]], right: Sequence[int]) -> Iterator[str]:
    """Yield indented rows with aligned columns; those of ``right``, and a number in the last one, are set to the right."""
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    for row in cells:
        numeric = _is_number(row[-1])
        parts = [cell.rjust(width) if i in right else cell.ljust(width) for i, (cell, width) in enumerate(zip(row, widths, strict=True))]
        last = row[-1].rjust(widths[-1]) if numeric or len(row) - 1 in right else row[-1]
        yield "  " + "  ".join([*parts[:-1], last])


def _is_number(text: str) -> bool:
    return text.lstrip("+-").replace(",", "").replace(".", "").isdigit()
