"""Prove the arithmetic that money rests on, for all integers: the split of a settlement, holdback, curves, bands.

Each lemma is put to an SMT solver (z3) as its negation: `unsat` means that no counterexample exists. The contracts
compute these terms (EscrowCredits._split and _hold, EscrowRulings._forfeit, ProgramInstructions); products that could
leave a word are checked or 512 bits wide there, so whole numbers without bounds are the right model. Sums over many
payees follow by induction: each step telescopes, from 0 at the first to all of it at the last. This proves formulas;
that the contracts compute them is for the tests that compare them with Python.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import z3


def lemmas() -> Iterator[tuple[str, list[z3.BoolRef], z3.BoolRef]]:
    """Name, what is given, what must follow."""
    f, t, a, d, q, r = z3.Ints("f t a d q r")
    # q = floor(f * a / t) and r = floor(f * (a + d) / t): what is granted before and after a payee that is due d.
    split = [t > 0, f >= 0, f <= t, a >= 0, d >= 0, a + d <= t]
    split += [q * t <= f * a, f * a < (q + 1) * t, r * t <= f * (a + d), f * (a + d) < (r + 1) * t]
    # Products the solver would have to invent: 0 <= f * d <= t * d.
    split += [f * d >= 0, f * d <= t * d, f * a >= 0]
    yield "split: no share is negative", split, r >= q
    yield "split: no share is more than what is due", split, r - q <= d
    yield "split: the shares before the first payee are nothing", [*split, a == 0], q == 0
    yield "split: the shares up to the last payee are all of it", [*split, a + d == t], r == f
    # The same terms with t = 10^18 and f = the rate: holdback of money that comes in pieces, and a lost stake.
    yield (
        "holdback: a piece is held back between nothing and all of it",
        [*split, t == 10**18],
        z3.And(r >= q, r - q <= d),
    )

    x, y0, y1, y = z3.Ints("x y0 y1 y")
    n, w, h, u = z3.Ints("n w h u")
    # A curve between two points: y = y0 + trunc((y1 - y0) * (x - x0) / (x1 - x0)); here rising, falling is its mirror.
    rising = [w > 0, n >= 0, n <= w, h >= 0, y == y0 + q, y1 == y0 + h, q * w <= h * n, h * n < (q + 1) * w]
    rising += [h * n >= 0, h * n <= h * w]
    yield "curve: between its points it stays between their values", rising, z3.And(y >= y0, y <= y1)
    yield "curve: at the left point it is that value", [*rising, n == 0], y == y0
    yield "curve: at the right point it is that value", [*rising, n == w], y == y1
    further = [*rising, u >= n, u <= w, r * w <= h * u, h * u < (r + 1) * w, h * u >= h * n]
    yield "curve: it does not fall where its points rise", further, r >= q

    # Bands: of x, each band between two edges takes min(x, edge) - edge before, where x is beyond the edge before.
    u1, u2, p1, p2, p3 = z3.Ints("u1 u2 p1 p2 p3")
    bands = [u1 >= 0, u1 <= u2, x >= 0]
    bands += [p1 == z3.If(x < u1, x, u1), p2 == z3.If(x > u1, z3.If(x < u2, x, u2) - u1, 0)]
    bands += [p3 == z3.If(x > u2, x - u2, 0)]
    yield (
        "bands: the parts are never negative and make up the whole",
        bands,
        z3.And(p1 >= 0, p2 >= 0, p3 >= 0, p1 + p2 + p3 == x),
    )
    yield (
        "bands: a part is in a band only when those before are full",
        bands,
        z3.And(z3.Implies(p2 > 0, p1 == u1), z3.Implies(p3 > 0, p1 + p2 == u2)),
    )


def main() -> int:
    """Prints one line per lemma; 1 if one is not proved."""
    failed = 0
    for name, given, wanted in lemmas():
        # Premises that contradict each other would prove anything.
        sound = z3.Solver()
        sound.set("timeout", 20_000)
        sound.add(*given)
        solver = z3.Solver()
        solver.set("timeout", 60_000)
        solver.add(*given, z3.Not(wanted))
        possible, answer = sound.check(), solver.check()
        proved = answer == z3.unsat and possible == z3.sat
        failed += not proved
        print(f"{'proved' if proved else f'NOT PROVED ({answer}, premises {possible})':12} {name}", flush=True)
    return int(failed != 0)


if __name__ == "__main__":
    sys.exit(main())
