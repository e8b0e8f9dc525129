"""Where the parts of a loop's picture are drawn: callers left, what they call right. Of a Service there is a row for
each NodeUnit, of a NodeUnit one for each Service."""

from dataclasses import dataclass
from unicodedata import east_asian_width

from ....core.traffic.proof.calls import Call, Calls
from ....core.traffic.proof.picture import Caller, Flow, Picture, Rest

WIDTH, ROW, BOX, TALL = 360, 52, 142, 40  # of the drawing (a phone has it at full size), of a row, of a box
_LETTERS = 15  # of a name that fit into a box, in a wide font
_LEFT, _RIGHT = BOX, WIDTH - BOX
_MIDDLE = WIDTH // 2
_TIP = 7  # of an arrow


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the drawing: its path, the points of its tip, and what it stands for (its class)."""

    path: str
    tip: str
    kind: str


@dataclass(frozen=True, slots=True)
class Row:
    """What is told of one: the names of its boxes as long as they fit, where those begin, where texts stand, its lines,
    and whether calls are refused."""

    told: Caller | Call
    left: str
    right: str
    top: int
    lines: tuple[Line, ...]
    refused: bool

    @property
    def first(self) -> int:
        """Where the first text stands."""
        return self.top + 16

    @property
    def second(self) -> int:
        """Where the second text stands."""
        return self.top + 32

    @property
    def cross(self) -> str:
        """What marks a refusal, "" where none is."""
        middle = self.top + TALL // 2
        x, size = _MIDDLE, 5
        if not self.refused:
            return ""
        return f"M{x - size} {middle - size}l{2 * size} {2 * size}M{x + size} {middle - size}l{-2 * size} {2 * size}"


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture as it is drawn. `elsewhere`: where the box of all other NodeUnits begins, None where nothing goes
    there."""

    picture: Rest
    rows: tuple[Row, ...]
    elsewhere: int | None
    height: int
    width: int = WIDTH
    box: int = BOX
    tall: int = TALL
    right: int = _RIGHT
    cross: int = _MIDDLE  # where a refusal is marked

    @property
    def whole(self) -> int:
        """How tall a box is that stands beside all rows."""
        return (len(self.rows) - 1) * ROW + TALL


def drawn(picture: Picture) -> Drawing:
    """The drawing of a Service's picture: each NodeUnit has a box at either side."""
    tops = {each.unit: place * ROW for place, each in enumerate(picture.callers)}
    beyond = any(not flow.target for each in picture.callers for flow in each.flows)
    below = len(tops) * ROW
    rows = tuple(
        _row(each, tops[each.unit], (each.unit, each.unit), _beyond(each, tops, below)) for each in picture.callers
    )
    return Drawing(picture, rows, below if beyond else None, below + (ROW if beyond else 0))


def drawn_unit(unit: str, calls: Calls) -> Drawing:
    """The drawing of a NodeUnit's picture: one box for its nodes, and one for each Service."""
    rows = tuple(
        _row(each, place * ROW, (unit, each.name), _across(each, place * ROW)) for place, each in enumerate(calls.calls)
    )
    return Drawing(calls, rows, None, len(rows) * ROW)


def _row(told: Caller | Call, top: int, names: tuple[str, str], beyond: list[Line]) -> Row:
    left, right = map(fitting, names)
    return Row(told, left, right, top, (*_own(told, top), *beyond), bool(told.refused))


def fitting(name: str) -> str:
    """As much of a name as fits into a box; what is wide counts twice."""
    size = 0
    for place, letter in enumerate(name):
        size += 2 if east_asian_width(letter) in "WF" else 1
        if size > _LETTERS:
            return f"{name[: max(place - 1, 1)]}…"
    return name


def _own(caller: Caller | Call, top: int) -> list[Line]:
    """The lines within a NodeUnit: what stays, what is refused, what is not known."""
    middle = top + TALL // 2
    half = f"M{_LEFT} {middle}H{_MIDDLE - 20}"
    found = []
    if caller.kept:
        found.append(_straight(middle, "kept"))
    if caller.refused and not caller.kept:
        found.append(Line(half, "", "refused"))
    if caller.unknown:
        found.append(Line(f"M{_LEFT} {middle + 12}H{_MIDDLE - 20}", "", "unknown"))
    return found


def _across(call: Call, top: int) -> list[Line]:
    """What goes to a Service and beyond the NodeUnit, where it is not known to which."""
    kinds = {"leaks": call.state == "leaking", "open": call.open}
    return [_straight(top + TALL // 2 + _shift(kind == "leaks"), kind) for kind, there in kinds.items() if there]


def _straight(y: int, kind: str) -> Line:
    return Line(f"M{_LEFT} {y}H{_RIGHT - _TIP}", _tip(y), kind)


def _beyond(caller: Caller, tops: dict[str, int], below: int) -> list[Line]:
    found = []
    for flow in caller.flows:
        begin, end = tops[caller.unit] + TALL // 2 + _shift(flow.leaks), _end(flow, tops, below)
        bend = (_RIGHT - _LEFT) // 2
        path = f"M{_LEFT} {begin}C{_LEFT + bend} {begin} {_RIGHT - bend} {end} {_RIGHT - _TIP} {end}"
        found.append(Line(path, _tip(end), "leaks" if flow.leaks else "open"))
    return found


def _shift(leaks: bool) -> int:
    """Leaks leave a box above its middle, what may go elsewhere below it, so that no line hides another."""
    return -10 if leaks else 10


def _end(flow: Flow, tops: dict[str, int], below: int) -> int:
    return (tops[flow.target] if flow.target else below) + TALL // 2 + _shift(flow.leaks)


def _tip(y: int) -> str:
    return f"{_RIGHT},{y} {_RIGHT - _TIP - 2},{y - 4} {_RIGHT - _TIP - 2},{y + 4}"
