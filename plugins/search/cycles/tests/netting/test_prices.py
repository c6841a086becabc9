"""The descent against linear programs that know nothing of prices, and its compiled twin against itself."""

from array import array
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from tidemill.domain.pool import Curve, Segment
from tidemill_search_cycles.kernels.netting import settle
from tidemill_search_cycles.netting import Direction, Net
from tidemill_search_cycles.netting.net import Settle, best_alone
from tidemill_testing.market import pair_pool, token

pytestmark = pytest.mark.uncounted

UNIT = 10**9
Parts = tuple[Segment, ...]
Draw = Callable[[Random, float, float], Parts]


def moebius(random: Random, here: float, there: float) -> Parts:
    """A constant product of these reserves."""
    rest = 1_000_000 - random.choice((500, 3_000, 10_000))
    return (Segment(0, 1 << 100, rest * int(there), int(here) * 1_000_000, rest),)


def levels(random: Random, here: float, there: float) -> Parts:
    """Stretches of constant rate, each a little worse."""
    found, begin = [], 0
    for place in range(random.randint(1, 6)):
        end = begin + int(here * random.uniform(0.002, 0.02))
        found.append(Segment(begin, end, int(there * (1 - 0.003 - 0.001 * place)), int(here), 0))
        begin = end
    return tuple(found)


def liquidity(random: Random, here: float, there: float) -> Parts:
    """Stretches of constant product whose depth jumps while the price goes on, now and then with a gap."""
    found, begin, price = [], 0, there / here
    for _ in range(random.randint(2, 10)):
        depth, fall = (here * there) ** 0.5 * random.uniform(2, 20), random.uniform(0.001, 0.01)
        one, other = depth / price**0.5, depth * price**0.5
        end = begin + int(one * ((1 - fall) ** -0.5 - 1) / 0.997)
        found.append(Segment(begin, end, 997 * int(other), 1000 * int(one), 997))
        begin, price = end, price * (1 - fall) * random.choice((1, 1, 0.999))
    return tuple(found)


def drawn_net(seed: int, kinds: tuple[Draw, ...], tokens: int = 9, pools: int = 18, run: Settle = settle) -> Net:
    """A net of pools whose prices disagree by some per cent, of a few units in value each."""
    random = Random(seed)
    names = [token(f"{number}") for number in range(tokens)]
    worth = [1.0, *(10 ** random.uniform(-2, 2) for _ in range(tokens - 1))]
    ways = []
    for number in range(pools):
        one = number + 1 if number < tokens - 1 else random.randrange(tokens)
        other = random.choice([place for place in range(min(tokens, 4)) if place != one])
        depth, off = UNIT * 10 ** random.uniform(0, 2), 1 + random.gauss(0, 0.03)
        held = {one: depth / worth[one], other: depth / worth[other] * off}
        pool = pair_pool(f"{seed} {number}", {names[one]: 10**6, names[other]: 10**6})
        draw = random.choice(kinds)
        ways += [
            Direction(pool, names[sell], names[buy], Curve(draw(random, held[sell], held[buy]), 1))
            for sell, buy in ((one, other), (other, one))
        ]
    return Net(ways, names[0], run)


Stretch = tuple[int, int, float, float, float]
"""(node sold, node bought, rate, bend, size), amounts in values of ``UNIT`` at the first prices."""


def stretches_of(net: Net) -> list[Stretch]:
    found = []
    for way, direction in enumerate(net.directions):
        sell, buy = net.sells[way], net.buys[way]
        asked, paid = net.price[sell], net.price[buy]
        for part in direction.curve.segments:
            size = min((part.in_to - part.in_from) * asked / UNIT, 1e4)
            found.append((sell, buy, part.a / part.b * paid / asked, part.c / part.b * UNIT / asked, size))
    return found


def program_optimum(net: Net) -> float:
    """Kelley's cutting planes: a linear program over tangents of the curves, refined where its answer lies above them."""
    optimize: Any = pytest.importorskip("scipy.optimize", reason="scipy is not installed: there is no reference")
    stretches = stretches_of(net)
    count = len(stretches)
    cuts = [(place, 0.0) for place in range(count)]
    goal = [1.0 if sell == 0 else 0.0 for sell, *_ in stretches] + [-1.0 if buy == 1 else 0.0 for _, buy, *_ in stretches]
    spans = [(0.0, size) for *_, size in stretches] + [(0.0, None)] * count
    while True:
        rows, sides = [], []
        for place, at in cuts:
            _, _, rate, bend, _ = stretches[place]
            slope = rate / (1 + bend * at) ** 2
            row = [0.0] * (2 * count)
            row[place], row[count + place] = -slope, 1.0
            rows.append(row)
            sides.append(rate * at / (1 + bend * at) - slope * at)
        for node in range(2, len(net.price)):
            rows.append([float(sell == node) for sell, *_ in stretches] + [-float(buy == node) for _, buy, *_ in stretches])
            sides.append(0.0)
        options = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
        answer = optimize.linprog(goal, A_ub=rows, b_ub=sides, bounds=spans, method="highs", options=options)
        assert answer.status == 0, answer.message
        above = 0.0
        for place, (_, _, rate, bend, _) in enumerate(stretches):
            at = answer.x[place]
            over = answer.x[count + place] - rate * at / (1 + bend * at)
            if over > 1e-10:
                cuts.append((place, at))
                above += over
        if above <= 1e-8 * -answer.fun:
            return float(-answer.fun * UNIT)


def ample() -> "array[int]":
    return array("q", [1 << 40])


@pytest.mark.parametrize("kinds", [(moebius,), (levels,), (moebius, liquidity), (moebius, liquidity, levels)])
def test_solve_random_nets_equals_the_program(kinds: tuple[Draw, ...]) -> None:
    """The bound is the optimum of the convex problem, to a part of 10^-6."""
    gains = 0
    for seed in range(12):
        net = drawn_net(seed, kinds)
        expected = program_optimum(net)
        settled = net.solve(1.0, ample())
        assert settled
        assert expected == pytest.approx(net.bound(), rel=1e-6, abs=1e-8 * UNIT)
        gains += expected > 1e-3 * UNIT
    assert gains >= 9


def test_solve_flows_of_every_token_cancel() -> None:
    """What directions pay of a token is what others take of it, to a millionth of what is gained."""
    for seed in range(12):
        net = drawn_net(seed, (moebius, liquidity, levels), 14, 30)
        net.solve(1.0, ample())
        left = [0.0] * len(net.price)
        for way in range(len(net.directions)):
            left[net.sells[way]] -= net.amounts[way]
            left[net.buys[way]] += net.outs[way]
        value = sum(abs(amount * price) for amount, price in zip(left[2:], net.price[2:], strict=True))
        assert value <= 1e-6 * net.gain + 1e-9 * UNIT
        assert left[1] + left[0] == pytest.approx(net.bound(), rel=1e-6, abs=1e-9 * UNIT)


def test_solve_nothing_to_gain_uses_nothing() -> None:
    """Where every price is the same no direction takes anything."""
    tokens = [token(str(number)) for number in range(4)]
    ways = []
    for one in range(4):
        for other in range(4):
            if one != other:
                pool = pair_pool(f"{min(one, other)} {max(one, other)}", {tokens[one]: 1, tokens[other]: 1})
                curve = Curve((Segment(0, 1 << 90, 997 * 10**24, 1000 * 10**24, 997),), 1)
                ways.append(Direction(pool, tokens[one], tokens[other], curve))
    net = Net(ways, tokens[0])
    assert net.solve(1.0, ample())
    assert net.plan() == []
    assert net.bound() == 0.0


def test_solve_without_work_says_so() -> None:
    """Effort that ends before the prices are found is told, and the bound still holds."""
    net, other = drawn_net(1, (moebius, liquidity)), drawn_net(1, (moebius, liquidity))
    assert not net.solve(1.0, array("q", [10]))
    assert other.solve(1.0, ample())
    assert net.bound() >= other.bound() * (1 - 1e-9)


def test_solve_again_from_its_own_prices_is_less_work() -> None:
    """Prices are kept: a second solution begins where the first ended."""
    net, first, second = drawn_net(3, (moebius, liquidity), 20, 40), ample(), ample()
    net.solve(1.0, first)
    bound = net.bound()
    net.solve(1.0, second)
    assert second[0] >= first[0]
    assert bound == pytest.approx(net.bound(), rel=1e-9)


def test_solve_dearer_source_takes_less() -> None:
    """The more what goes in costs, the less goes in."""
    net, taken = drawn_net(4, (moebius,), 20, 40), []
    for source in (1.0, 1.002, 1.01, 1.2):
        net.solve(source, ample())
        taken.append(sum(net.amounts[way] for way in range(len(net.directions)) if net.sells[way] == 0))
    assert sorted(taken, reverse=True) == taken
    assert taken[0] > 0 == taken[-1]


def test_best_alone_is_the_most_of_tried_amounts() -> None:
    """What a stretch gains at prices is what the best of many amounts gains."""
    for rate, bend, size in ((1.1, 0.01, 1e9), (1.1, 0.01, 2.0), (1.1, 0.0, 5.0), (0.9, 0.1, 5.0)):
        tried = max(rate * amount / (1 + bend * amount) - amount for amount in (min(size, place / 1000) for place in range(20_000)))
        assert best_alone(rate, bend, size, 1.0, 1.0) == pytest.approx(tried, abs=1e-6)


def test_settle_compiled_equals_plain_bit_for_bit(run_compiled: Settle) -> None:
    """The compiled descent leaves the same prices, amounts and work as the plain one, to the last bit."""
    for seed in range(24):
        kinds = [(moebius,), (levels,), (moebius, liquidity), (moebius, liquidity, levels)][seed % 4]
        plain, fast = drawn_net(seed, kinds, 30, 60), drawn_net(seed, kinds, 30, 60, run_compiled)
        for source, units in ((1.0, 1 << 40), (1.001, 1 << 40), (1.0, 3_000)):
            work, other = array("q", [units]), array("q", [units])
            assert plain.solve(source, work) == fast.solve(source, other)
            assert work[0] == other[0]
            for one, two in ((plain.price, fast.price), (plain.amounts, fast.amounts), (plain.outs, fast.outs)):
                assert one.tobytes() == two.tobytes()
