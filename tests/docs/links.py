"""Links and anchors of Markdown pages, as a repository's web view resolves them."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

_LINK = re.compile(r"(?<!!)\[(?:[^\[\]]|\[[^\]]*\])*\]\((?P<target>[^()\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+?)\s*$", re.MULTILINE)
_FENCES = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def links_of(text: str) -> Iterator[str]:
    """Yield the targets of a page's links; what stands in code blocks and inline code is none."""
    for found in _LINK.finditer(re.sub(r"(?<!\[)`[^`\n]*`(?!\])", "", _FENCES.sub("", text))):
        yield found["target"]


def anchors_of(text: str) -> frozenset[str]:
    """Return the anchors of a page's headings; a heading that comes again gets a number."""
    seen: Counter[str] = Counter()
    found = set()
    for heading in _HEADING.findall(_FENCES.sub("", text)):
        name = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return frozenset(found)


def dead_links(pages: Sequence[Path], root: Path) -> list[str]:
    """Return what pages link to and is not there, as ``page: target``; addresses on the web are not asked."""
    dead = []
    for path in pages:
        for target in links_of(path.read_text("utf-8")):
            if re.match(r"[a-z]+:", target):
                continue
            file, _, anchor = target.partition("#")
            place = (path.parent / file) if file else path
            lives = place.exists() and root in (place.resolve(), *place.resolve().parents)
            if not lives or (anchor and (place.suffix != ".md" or anchor not in anchors_of(place.read_text("utf-8")))):
                dead.append(f"{path.relative_to(root)}: {target}")
    return dead


def unreachable(start: Path, pages: Sequence[Path]) -> list[Path]:
    """Return the pages that no way of links leads to from ``start``."""
    texts: Mapping[Path, str] = {path.resolve(): path.read_text("utf-8") for path in pages}
    seen, ahead = set(), [start.resolve()]
    while ahead:
        path = ahead.pop()
        if path in seen or path not in texts:
            continue
        seen.add(path)
        ahead += [(path.parent / target.partition("#")[0]).resolve() for target in links_of(texts[path]) if ":" not in target]
    return sorted(set(texts) - seen)
