"""What every direction of a pool answers to prices of the tokens: its own best trade, in closed form on each stretch of its curve.

It sells while its marginal rate is above the ratio of the two prices, which for a stretch ``rate x / (1 + bend x)`` ends where
``root = sqrt(rate v_buy / v_sell)`` is ``1 + bend x``, and gains ``v_sell (root - 1)^2 / bend``. A *blurred* stretch gains
``v_sell s(root - 1)^2 / bend`` with ``s(h) = (h + sqrt(h^2 + 4 blur^2)) / 2`` (the smoothing of Chen and Harker, Kanzow, and Smale of the
larger of h and 0), still convex in the prices for ``h > -1/2``: beyond that, and far from where it opens, it is sharp. A stretch
that ends answers as one without end less what would lie beyond.

A stretch of constant rate answers all or nothing, and the prices alone do not say how much. It answers
``rest + (rate v_buy - v_sell) / stiff`` instead, the proximal point method (Rockafellar 1976): exact once ``rest`` stands still.
"""

from math import sqrt

from tidemill_search_cycles.kernels.arrays import Doubles, Ints, Longs, Real, Whole

FAR = 1024.0
"""So many times the blur from where a stretch opens it is taken as sharp."""


def respond(
    nodes: Whole,
    edges: Whole,
    edge_sell: Ints,
    edge_buy: Ints,
    edge_open: Ints,
    edge_seg: Longs,
    edge_segs: Ints,
    seg_rate: Doubles,
    seg_bend: Doubles,
    seg_size: Doubles,
    seg_rest: Doubles,
    seg_stiff: Doubles,
    seg_part: Doubles,
    price: Doubles,
    blur: Real,
    edge_in: Doubles,
    edge_out: Doubles,
    edge_weight: Doubles,
    net: Doubles,
    turn: Doubles,
    work: Longs,
) -> None:
    """Have every open direction answer the prices.

    ``edge_in`` and ``edge_out`` are what it takes and pays, ``edge_weight`` its conductance (the second derivative of its gain by the
    relative price); ``seg_part`` the part of each stretch of constant rate that is used; ``net`` what is left of each node's token and
    ``turn`` the value that passes through it.
    """
    for node in range(nodes):
        net[node] = 0.0
        turn[node] = 0.0
    work[0] -= edges
    for edge in range(edges):
        edge_in[edge] = 0.0
        edge_out[edge] = 0.0
        edge_weight[edge] = 0.0
        if edge_open[edge] == 0:
            continue
        sell = edge_sell[edge]
        buy = edge_buy[edge]
        asked = price[sell]
        paid = price[buy]
        for place in range(edge_seg[edge], edge_seg[edge] + edge_segs[edge]):
            if seg_bend[place] > 0.0:
                root = sqrt(seg_rate[place] * paid / asked)
                if root - 1.0 < -FAR * blur or root < 0.5:
                    # Later stretches of a curve are no better, but for those of constant rate that still hold a part.
                    if edge_open[edge] == 1:
                        break
                    continue
                bent(edge, root, seg_rate[place], seg_bend[place], seg_size[place], asked, blur, edge_in, edge_out, edge_weight)
            else:
                over = seg_rate[place] * paid - asked
                straight(edge, place, over, asked, seg_rate, seg_size, seg_rest, seg_stiff, seg_part, edge_in, edge_out, edge_weight)
        net[sell] -= edge_in[edge]
        net[buy] += edge_out[edge]
        turn[sell] += asked * edge_in[edge]
        turn[buy] += paid * edge_out[edge]


def bent(
    edge: Whole,
    root: Real,
    rate: Real,
    bend: Real,
    size: Real,
    asked: Real,
    blur: Real,
    edge_in: Doubles,
    edge_out: Doubles,
    edge_weight: Doubles,
) -> None:
    """Add what a stretch that bends answers: the whole of it where its end is far below the price."""
    end = 1.0 + bend * size
    beyond = root / end
    if beyond - 1.0 > FAR * blur:
        edge_in[edge] += size
        edge_out[edge] += rate * size / end
        return
    endless(edge, 1.0, root, rate, bend, asked, blur, edge_in, edge_out, edge_weight)
    if beyond - 1.0 > -FAR * blur and beyond > 0.5:
        endless(edge, -1.0, beyond, rate / (end * end), bend / end, asked, blur, edge_in, edge_out, edge_weight)


def endless(
    edge: Whole,
    sign: Real,
    root: Real,
    rate: Real,
    bend: Real,
    asked: Real,
    blur: Real,
    edge_in: Doubles,
    edge_out: Doubles,
    edge_weight: Doubles,
) -> None:
    """Add ``sign`` times what a blurred stretch without end answers: the derivatives of ``asked s(root - 1)^2 / bend`` by the prices."""
    past = root - 1.0
    wide = sqrt(past * past + 4.0 * blur * blur)
    soft = 0.5 * (past + wide)
    soft = soft * soft / wide
    edge_in[edge] += sign * soft * (root - wide) / bend
    edge_out[edge] += sign * soft * rate / (root * bend)
    edge_weight[edge] += sign * asked * root * soft * ((2.0 - past / wide) * root / wide - 1.0) / (2.0 * bend)


def straight(
    edge: Whole,
    place: Whole,
    over: Real,
    asked: Real,
    seg_rate: Doubles,
    seg_size: Doubles,
    seg_rest: Doubles,
    seg_stiff: Doubles,
    seg_part: Doubles,
    edge_in: Doubles,
    edge_out: Doubles,
    edge_weight: Doubles,
) -> None:
    """Add what a stretch of constant rate answers, of which a unit gains ``over``."""
    part = seg_rest[place] + over / seg_stiff[place]
    if part >= seg_size[place]:
        part = seg_size[place]
    elif part <= 0.0:
        part = 0.0
    else:
        edge_weight[edge] += asked * asked / seg_stiff[place]
    seg_part[place] = part
    edge_in[edge] += part
    edge_out[edge] += seg_rate[place] * part


def stiffen(
    edges: Whole,
    spread: Real,
    edge_sell: Ints,
    edge_open: Ints,
    edge_seg: Longs,
    edge_segs: Ints,
    seg_bend: Doubles,
    seg_size: Doubles,
    seg_rest: Doubles,
    seg_stiff: Doubles,
    seg_part: Doubles,
    price: Doubles,
    turns: Whole,
) -> None:
    """Let the stretches of constant rate rest where they stand, with ``turns`` 0 at nothing, and fall by the part ``spread`` along them."""
    for edge in range(edges):
        if edge_open[edge] == 2:
            for place in range(edge_seg[edge], edge_seg[edge] + edge_segs[edge]):
                if seg_bend[place] == 0.0:
                    seg_rest[place] = seg_part[place] if turns > 0 else 0.0
                    seg_stiff[place] = spread * price[edge_sell[edge]] / seg_size[place]


def untaken(
    edges: Whole,
    edge_sell: Ints,
    edge_buy: Ints,
    edge_open: Ints,
    edge_seg: Longs,
    edge_segs: Ints,
    seg_rate: Doubles,
    seg_bend: Doubles,
    seg_size: Doubles,
    seg_part: Doubles,
    price: Doubles,
) -> Real:
    """Return what the stretches of constant rate leave at the prices, taking only their part."""
    total = 0.0
    for edge in range(edges):
        if edge_open[edge] == 2:
            for place in range(edge_seg[edge], edge_seg[edge] + edge_segs[edge]):
                if seg_bend[place] == 0.0:
                    over = seg_rate[place] * price[edge_buy[edge]] - price[edge_sell[edge]]
                    total += over * (seg_size[place] - seg_part[place]) if over > 0.0 else -over * seg_part[place]
    return total


def value_left(first: Whole, nodes: Whole, net: Doubles, price: Doubles) -> Real:
    """Return what is left over or missing of the tokens from node ``first`` on, all counted as positive."""
    total = 0.0
    for node in range(first, nodes):
        value = net[node] * price[node]
        total += value if value > 0.0 else -value
    return total


def gained(edges: Whole, edge_sell: Ints, edge_buy: Ints, edge_in: Doubles, edge_out: Doubles, price: Doubles) -> Real:
    """Return what the directions gain at the prices, the sum of what each gains."""
    total = 0.0
    for edge in range(edges):
        if edge_in[edge] > 0.0:
            total += edge_out[edge] * price[edge_buy[edge]] - edge_in[edge] * price[edge_sell[edge]]
    return total


def total(count: Whole, cells: Doubles) -> Real:
    """Return the sum of the first cells."""
    found = 0.0
    for place in range(count):
        found += cells[place]
    return found
