"""Ownership as a picture: the entity at the foot, its owners in rows above, a line a holding."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from apps.compliance.domain.ownership import Holding
from apps.compliance.domain.ownership_gaps import percent_words

BOX_WIDTH, BOX_HEIGHT = 180, 40
GAP_WIDTH, GAP_HEIGHT = 24, 64
MOST_LETTERS = 24


@dataclass(frozen=True)
class Box:
    name: str
    left: int
    top: int
    kind: str

    @property
    def middle(self) -> int:
        return self.left + BOX_WIDTH // 2

    @property
    def text_at(self) -> int:
        return self.top + BOX_HEIGHT // 2 + 5


@dataclass(frozen=True)
class Line:
    """`text` stands at the line's upper third, so that lines to one box do not write over it."""

    from_x: int
    from_y: int
    to_x: int
    to_y: int
    text: str

    @property
    def text_x(self) -> int:
        return (2 * self.from_x + self.to_x) // 3

    @property
    def text_y(self) -> int:
        return (2 * self.from_y + self.to_y) // 3 + 4


@dataclass(frozen=True)
class Drawing:
    width: int
    height: int
    box_width: int
    box_height: int
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


def drawing_of(
    entity: str, names: Mapping[str, str], holdings: Collection[Holding], people: Collection[str]
) -> Drawing:
    """Return boxes and lines in units of the picture; each party one row above what it holds."""
    levels = _levels(entity, holdings)
    rows: dict[int, list[str]] = {}
    for party, level in levels.items():
        rows.setdefault(level, []).append(party)
    widest = max(map(len, rows.values()))
    width = widest * (BOX_WIDTH + GAP_WIDTH) + GAP_WIDTH
    height = len(rows) * (BOX_HEIGHT + GAP_HEIGHT) - GAP_HEIGHT + 2 * GAP_WIDTH
    boxes = {}
    for level, parties in rows.items():
        free = width - len(parties) * (BOX_WIDTH + GAP_WIDTH) + GAP_WIDTH
        for place, party in enumerate(parties):
            boxes[party] = Box(
                name=_short(names[party]),
                left=free // 2 + place * (BOX_WIDTH + GAP_WIDTH),
                top=height - GAP_WIDTH - BOX_HEIGHT - level * (BOX_HEIGHT + GAP_HEIGHT),
                kind="entity" if party == entity else "person" if party in people else "company",
            )
    lines = [
        _line(boxes[one.owner], boxes[one.owned], one)
        for one in holdings
        if one.owner in boxes and one.owned in boxes and one.owner != one.owned
    ]
    return Drawing(width, height, BOX_WIDTH, BOX_HEIGHT, tuple(boxes.values()), tuple(lines))


def _levels(entity: str, holdings: Collection[Holding]) -> dict[str, int]:
    """Return how many holdings lie between a party and the entity, at the least."""
    levels, row = {entity: 0}, [entity]
    while row:
        row = list(
            dict.fromkeys(
                one.owner for one in holdings if one.owned in row and one.owner not in levels
            )
        )
        depth = max(levels.values()) + 1
        levels |= dict.fromkeys(row, depth)
    return levels


def _line(owner: Box, owned: Box, holding: Holding) -> Line:
    parts = [percent_words(holding.shares)] if holding.shares else []
    if holding.votes != holding.shares:
        parts.append(f"votes {percent_words(holding.votes)}")
    parts += [role.replace("_", " ").lower() for role in sorted(holding.roles)]
    below = owner.top < owned.top
    return Line(
        from_x=owner.middle,
        from_y=owner.top + (BOX_HEIGHT if below else 0),
        to_x=owned.middle,
        to_y=owned.top + (0 if below else BOX_HEIGHT),
        text=", ".join(parts),
    )


def _short(name: str) -> str:
    return (
        name if len(name) <= MOST_LETTERS else name[: MOST_LETTERS - 1] + "\N{HORIZONTAL ELLIPSIS}"
    )
