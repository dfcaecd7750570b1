"""Formulas of every kind over a few small KPIs, and what is known of each before any KPI is reported."""

from __future__ import annotations

from itertools import product

from pyoutcome.decimals import ONE
from pyoutcome.decimals import parse as n
from pyoutcome.formula import Definition, KpiShape, Line, Payee, Rule, parse
from pyoutcome.formula.syntax import names

KPIS = (
    KpiShape("a", n("-3"), n("4"), 0),
    KpiShape("b", n("1"), n("3"), 1),
    KpiShape("c", n("0.5"), n("2"), 1),
    KpiShape.yes_no("ok"),
    KpiShape.choice("tier", ("gold", "silver", "base")),
)
"""Of which formulas are made; and ``term`` is 7, ``third`` is a / 3, ``well`` is a >= 2."""

KNOWN = """
7                                        -> 7 to 7 by 7: fixed
a                                        -> -3 to 4 by 1: a 1
-a                                       -> -4 to 3 by 1: a -1
term                                     -> 7 to 7 by 7: fixed
third                                    -> -1 to 1.333333333333333333 by 1e-18 ~1: a 1/3
a + b                                    -> -2 to 7 by 0.1: a 1, b 1
a - b                                    -> -6 to 3 by 0.1: a 1, b -1
a + a                                    -> -6 to 8 by 1: a 2
a - a                                    -> -7 to 7 by 1: a 0
a * b                                    -> -9 to 12 by 0.1: a 1 to 3, b -3 to 4
a * a                                    -> -12 to 16 by 1: a -6 to 8
a / b                                    -> -3 to 4 by 1e-18 ~1: a 1/3 to 1, b -4 to 3
a / 3                                    -> -1 to 1.333333333333333333 by 1e-18 ~1: a 1/3
a / 4                                    -> -0.75 to 1 by 0.25: a 1/4
a * b / c                                -> -18 to 24 by 1e-18 ~1: a 1/2 to 6, b -6 to 8, c -48 to 36
a / b / 2                                -> -1.5 to 2 by 1e-18 ~2: a 1/6 to 1/2, b -2 to 3/2
a * third                                -> -4 to 5.333333333333333332 by 1e-18 ~4: a -2 to 8/3
1 / b                                    -> 0.333333333333333333 to 1 by 1e-18 ~1: b -1 to -1/9
b / c                                    -> 0.5 to 6 by 1e-18 ~1: b 1/2 to 2, c -12 to -1/4
100 / (a - 5)                            -> -100 to -12.5 by 1e-18 ~1: a -100 to -25/16
abs(a)                                   -> 0 to 4 by 1: a -1 to 1
abs(b)                                   -> 1 to 3 by 0.1: b 1
abs(-b)                                  -> 1 to 3 by 0.1: b 1
abs(a - 10)                              -> 6 to 13 by 1: a -1
abs(third)                               -> 0 to 1.333333333333333333 by 1e-18 ~1: a -1/3 to 1/3
min(a, b)                                -> -3 to 3 by 0.1: a 0 to 1, b 0 to 1
max(a, b)                                -> 1 to 4 by 0.1: a 0 to 1, b 0 to 1
min(a, 1)                                -> -3 to 1 by 1: a 0 to 1
min(a, 4)                                -> -3 to 4 by 1: a 1
min(a, -3)                               -> -3 to -3 by 3: fixed
min(7, b)                                -> 1 to 3 by 0.1: b 1
max(a, -3)                               -> -3 to 4 by 1: a 1
max(a, 4)                                -> 4 to 4 by 4: fixed
max(a, 9)                                -> 9 to 9 by 9: fixed
min(third, 2)                            -> -1 to 1.333333333333333333 by 1e-18 ~1: a 1/3
min(third, 1)                            -> -1 to 1 by 1e-18 ~1: a 0 to 1/3
max(third, 2)                            -> 2 to 2 by 2: fixed
min(a, b, c)                             -> -3 to 2 by 0.1: a 0 to 1, b 0 to 1, c 0 to 1
clamp(a, 0, 2)                           -> 0 to 2 by 1: a 0 to 1
clamp(a, -9, b)                          -> -3 to 3 by 0.1: a 0 to 1, b 0 to 1
clamp(a, 1, 1)                           -> 1 to 1 by 1: fixed
outside(a, 0, 2)                         -> 0 to 3 by 1: a -1 to 1
outside(a, -3, 4)                        -> 0 to 0 by 0: fixed
outside(a, -4, b)                        -> 0 to 3 by 0.1: a -1 to 1, b -1 to 0
round(a, 2, down)                        -> -2 to 4 by 2: a rising
round(a, 0.5, down)                      -> -3 to 4 by 1: a 1
round(a, 2, ceil)                        -> -2 to 4 by 2: a rising
round(b, 1, half_up)                     -> 1 to 3 by 1: b rising
round(b, 10, down)                       -> 0 to 0 by 0: fixed
round(b, 10, up)                         -> 10 to 10 by 10: fixed
round(third, 0.5, floor)                 -> -1 to 1 by 0.5: nothing
round(-a, 2, floor)                      -> -4 to 2 by 2: a falling
round(a, b, down)                        -> -6 to 7 by 1e-18: nothing
step(a, [at_least 2 gives 5, otherwise 1]) -> 1 to 5 by 1: a rising
step(a, [above 2 gives 5, above 0 gives 3, otherwise 1]) -> 1 to 5 by 1: a rising
step(a, [at_least 2 gives 1, otherwise 5]) -> 1 to 5 by 1: a falling
step(a, [at_least 2 gives 1, at_least 0 gives 4, otherwise 3]) -> 1 to 4 by 1: a jumping
step(a, [at_most -1 gives 5, otherwise 1]) -> 1 to 5 by 1: a falling
step(a, [below -1 gives 1, below 3 gives 2, otherwise 5]) -> 1 to 5 by 1: a rising
step(a, [at_least 4 gives 5, otherwise 1]) -> 1 to 5 by 1: a rising
step(a, [above 4 gives 5, otherwise 1])  -> 1 to 1 by 1: fixed
step(a, [at_least 5 gives 5, otherwise 1]) -> 1 to 1 by 1: fixed
step(a, [at_least -3 gives 5, otherwise 1]) -> 5 to 5 by 5: fixed
step(a, [above -4 gives 5, otherwise 1]) -> 5 to 5 by 5: fixed
step(a, [above -3 gives 5, otherwise 1]) -> 1 to 5 by 1: a rising
step(a, [at_most -3 gives 5, otherwise 1]) -> 1 to 5 by 1: a falling
step(a, [below -3 gives 5, otherwise 1]) -> 1 to 1 by 1: fixed
step(a, [at_most 4 gives 5, otherwise 1]) -> 5 to 5 by 5: fixed
step(a, [below 4 gives 5, otherwise 1])  -> 1 to 5 by 1: a falling
step(a, [below 5 gives 5, otherwise 1])  -> 5 to 5 by 5: fixed
step(a, [at_least b gives 5, otherwise 1]) -> 1 to 5 by 1: a jumping, b jumping
step(a, [at_least b gives 5, at_least 1 gives 7, at_least 0 gives 9, otherwise 1]) -> 1 to 9 by 1: a jumping, b jumping
step(a, [above b gives 5, above 1 gives 7, above 0 gives 99, otherwise 1]) -> 1 to 99 by 1: a jumping, b jumping
step(a, [at_most b gives 5, at_most 3 gives 7, otherwise 1]) -> 1 to 7 by 1: a jumping, b jumping
step(a, [below b gives 5, below 3 gives 7, otherwise 1]) -> 1 to 7 by 1: a jumping, b jumping
step(a, [at_least 2 gives b, otherwise 1]) -> 1 to 3 by 0.1: a jumping, b 0 to 1
step(a, [at_least 3 gives 5, below 0 gives 2, otherwise 1]) -> 1 to 5 by 1: a jumping
step(-a, [at_least 2 gives 5, otherwise 1]) -> 1 to 5 by 1: a falling
step(third, [at_least 1 gives 5, otherwise 1]) -> 1 to 5 by 1: nothing
step(b, [at_least 5 gives 9, otherwise c]) -> 0.5 to 2 by 0.1: c 1
pick(tier, [gold gives 5, silver gives 7, base gives 9]) -> 5 to 9 by 1: tier jumping
pick(tier, [gold gives a, otherwise 9])  -> -3 to 9 by 1: a 0 to 1, tier jumping
pick(tier, [silver gives b, otherwise b]) -> 1 to 3 by 0.1: b 1, tier jumping
bands(a, [upto 2 at 5, rest at 1])       -> 0 to 12 by 1: a 0 to 5
bands(a, [upto 2 at -5, next 1 at 1.5, rest at 0]) -> -10 to 0 by 0.5: a -5 to 3/2
bands(a, [rest at 2])                    -> 0 to 8 by 2: a 0 to 2
bands(b, [upto 2 at 5, rest at 1])       -> 5 to 11 by 0.1: b 1 to 5
bands(b, [upto 1 at 5, rest at 0.25])    -> 5 to 5.5 by 0.025: b 1/4
bands(b, [upto 0.5 at 5, upto 3 at 2, rest at 100]) -> 3.5 to 7.5 by 0.1: b 2
bands(b, [upto 0.5 at 5, upto 4 at 2, rest at 100]) -> 3.5 to 7.5 by 0.1: b 2
bands(-b, [upto 2 at 5, rest at 100])    -> 0 to 0 by 0: b 0
bands(a, [upto b at 2, rest at 1])       -> 0 to 9 by 1e-18: nothing
bands(b, [upto 2 at a, rest at c])       -> -6 to 10 by 1e-18: nothing
bands(b, [next c at 2, next 1 at 3, rest at 1]) -> 1 to 13 by 1e-18: nothing
bands(third, [upto 1 at 3, rest at 1])   -> 0 to 3.333333333333333333 by 1e-18 ~3: a 0 to 1
bands(c, [upto 1 at 0.000000000000000001, rest at 1]) -> 0 to 1.000000000000000001 by 1e-18 ~2: c 0 to 1
curve(a, [0 gives 10, 2 gives 20])       -> 10 to 20 by 5: a 0 to 5
curve(a, [0 gives 10, 3 gives 20])       -> 10 to 20 by 1e-18 ~1: a 0 to 10/3
curve(a, [-3 gives 10, 4 gives 3])       -> 3 to 10 by 1: a -1
curve(a, [-3 gives 10, 1 gives 2, 4 gives 5]) -> 2 to 10 by 1: a -2 to 1
curve(a, [5 gives 10, 6 gives 2])        -> 10 to 10 by 10: a 0
curve(a, [4 gives 10, 6 gives 2])        -> 10 to 10 by 10: a 0
curve(a, [-5 gives 10, -3 gives 2])      -> 2 to 2 by 2: a 0
curve(a, [-5 gives 10, -4 gives 2, 0 gives 8]) -> 3.5 to 8 by 0.5: a 0 to 3/2
curve(b, [1 gives c, 2 gives 0])         -> 0 to 2 by 1e-18: nothing
curve(a, [-5 gives 0, c gives 3, 6 gives 9]) -> 0 to 9 by 1e-18: nothing
curve(third, [0 gives 0, 1 gives 3])     -> 0 to 3 by 0.000000000000000003 ~3: a 0 to 1
curve(third, [0 gives 0, 3 gives 1])     -> 0 to 0.444444444444444444 by 1e-18 ~2: a 0 to 1/9
curve(a * b, [-12 gives 0, 0 gives 1, 12 gives -1]) -> -1 to 1 by 1e-18 ~1: a -1/2 to 1/4, b -2/3 to 1/2
a if ok else b                           -> -3 to 4 by 0.1: a 0 to 1, b 0 to 1, ok jumping
a if a > 0 else 0                        -> 0 to 4 by 1: a jumping
a if a >= 2 else b                       -> 1 to 4 by 0.1: a jumping, b 0 to 1
a if a < b else b                        -> -3 to 3 by 0.1: a jumping, b jumping
a if a <= 0 else 2                       -> -3 to 2 by 1: a jumping
a if a == 2 else 7                       -> 2 to 7 by 1: a jumping
a if a != 4 else 7                       -> -3 to 7 by 1: a jumping
a if a != -3 else 7                      -> -2 to 7 by 1: a jumping
a if a != 0 else 7                       -> -3 to 7 by 1: a jumping
a if not a > 2 else 9                    -> -3 to 9 by 1: a jumping
a if a > 0 and a < 3 else 9              -> 1 to 9 by 1: a jumping
a if a > 0 or ok else 9                  -> -3 to 9 by 1: a jumping, ok jumping
9 if a > 0 or a < -1 else a              -> -1 to 9 by 1: a jumping
a if a > 5 else 2                        -> 2 to 2 by 2: fixed
2 if a < 5 else a                        -> 2 to 2 by 2: fixed
a if a > 3 and a < -1 else 8             -> 8 to 8 by 8: fixed
b if tier == gold else a                 -> -3 to 4 by 0.1: a 0 to 1, b 0 to 1, tier jumping
1 if gold == tier else 2                 -> 1 to 2 by 1: tier jumping
1 if tier != base else 2                 -> 1 to 2 by 1: tier jumping
5 if well else a                         -> -3 to 5 by 1: a jumping
a if ok and a > 1 else 0                 -> 0 to 4 by 1: a jumping, ok jumping
a if (a > 1 if ok else a > 2) else 0     -> -3 to 4 by 1: a jumping, ok jumping
100 / a if a > 0 else 0                  -> 0 to 100 by 1e-18 ~1: a jumping
1 if third >= 1 else 0                   -> 0 to 1 by 1: nothing
1 if b > 1 and b < 3 else 0              -> 0 to 1 by 1: b jumping
a if b > a else 9                        -> -3 to 9 by 1: a jumping, b jumping
a if 2 < a else 9                        -> 3 to 9 by 1: a jumping
a if yes else 9                          -> -3 to 4 by 1: a 1
1 if a == b else 0                       -> 0 to 1 by 1: a jumping, b jumping
1 if a < 4 else 0                        -> 0 to 1 by 1: a jumping
1 if a <= 4 else 0                       -> 1 to 1 by 1: fixed
1 if a >= -3 else 0                      -> 1 to 1 by 1: fixed
1 if a > -3 else 0                       -> 0 to 1 by 1: a jumping
1 if a > 4 else 0                        -> 0 to 0 by 0: fixed
1 if a == 9 else 0                       -> 0 to 0 by 0: fixed
1 if a != 9 else 0                       -> 1 to 1 by 1: fixed
period * 2                               -> 2 to 2 by 2: fixed
a * 0                                    -> 0 to 0 by 0: a 0
a * -2                                   -> -8 to 6 by 2: a -2
b * 0.1                                  -> 0.1 to 0.3 by 0.01: b 1/10
a + 0.5                                  -> -2.5 to 4.5 by 0.5: a 1
a - term                                 -> -10 to -3 by 1: a 1
-third                                   -> -1.333333333333333333 to 1 by 1e-18 ~1: a -1/3
third + third                            -> -2 to 2.666666666666666666 by 1e-18 ~2: a 2/3
third * 3                                -> -3 to 3.999999999999999999 by 0.000000000000000003 ~3: a 1
third - third                            -> -2.333333333333333333 to 2.333333333333333333 by 1e-18 ~2: a 0
third * c                                -> -2 to 2.666666666666666666 by 1e-18 ~3: a 1/6 to 2/3, c -1 to 4/3
b / third if third > 1 else 0            -> 0 to 2.999999999999999997 by 1e-18 ~4: nothing
c / (third + 5)                          -> 0.078947368421052631 to 0.5 by 1e-18 ~2: a -1/24 to -3/722, c 3/19 to 1/4
1 / (third + 5)                          -> 0.157894736842105263 to 0.25 by 1e-18 ~2: a -1/48 to -3/361
100 / (-b)                               -> -100 to -33.333333333333333333 by 1e-18 ~1: b 100/9 to 100
1 / c / c                                -> 0.25 to 4 by 1e-18 ~3: c -16 to -1/4
a * a * a                                -> -48 to 64 by 1: a -36 to 48
min(third, 1.333333333333333333)         -> -1 to 1.333333333333333333 by 1e-18 ~1: a 0 to 1/3
max(third, -1)                           -> -1 to 1.333333333333333333 by 1e-18 ~1: a 0 to 1/3
max(b, b + third)                        -> 1 to 4.333333333333333333 by 1e-18 ~1: a 0 to 1/3, b 1
min(a - 8, b)                            -> -11 to -4 by 1: a 1
max(a + 9, b)                            -> 6 to 13 by 1: a 1
abs(a + 3)                               -> 0 to 7 by 1: a 1
abs(third - 9)                           -> 7.666666666666666667 to 10 by 1e-18 ~1: a -1/3
step(third, [at_least -5 gives 5, otherwise 1]) -> 5 to 5 by 5: fixed
a * (1 if ok else -1)                    -> -4 to 4 by 1: a -1 to 1, ok jumping
third if ok else 1                       -> -1 to 1.333333333333333333 by 1e-18 ~1: a 0 to 1/3, ok jumping
round(a * 2, 2, down)                    -> -6 to 8 by 2: a 2
round(c, 0.5, half_up)                   -> 0.5 to 2 by 0.5: c rising
round(a if ok else b, 2, down)           -> -2 to 4 by 2: a rising, b rising, ok jumping
round(a * 1.5, 1, half_even)             -> -4 to 6 by 1: a rising
curve(b, [1 gives 0, 3 gives 0.000000000000000001]) -> 0 to 0.000000000000000001 by 1e-18 ~1: b 0
curve(-b, [-3 gives 0, -1 gives 5])      -> 0 to 5 by 0.25: b -5/2
curve(a if ok else 2, [0 gives 10, 2 gives 20]) -> 10 to 20 by 5: a 0 to 5, ok jumping
curve(a, [-5 gives 0, 0.5 gives 11, 7 gives 11]) -> 4 to 11 by 1: a 0 to 2
bands(a if ok else 2, [upto 2 at 5, rest at 1]) -> 0 to 12 by 1: a 0 to 5, ok jumping
bands(c, [upto 0.5 at 1, upto 2 at 3, rest at 7]) -> 0.5 to 5 by 0.1: c 3
bands(a * 2, [upto 3 at 0.5, rest at -0.5]) -> -1 to 1.5 by 0.5: a -1 to 1
1_000 / (third + 2)                      -> 300.00000000000000003 to 1000 by 1e-18 ~1002: a -1000/3 to -30
third * 90 / c                           -> -180 to 239.99999999999999994 by 1e-18 ~181: a 15 to 60, c -480 to 360
100 * third / (third + 2)                -> -100 to 133.3333333333333333 by 1e-18 ~235: a -310/9 to 200/3
(third + 2) * c                          -> 0.5 to 6.666666666666666666 by 1e-18 ~3: a 1/6 to 2/3, c 1 to 10/3
100 * third                              -> -100 to 133.3333333333333333 by 0.0000000000000001 ~100: a 100/3
third * third / 0.5                      -> -2.666666666666666666 to 3.555555555555555553 by 1e-18 ~7: a -4/3 to 16/9
third * third / 7                        -> -0.190476190476190476 to 0.253968253968253968 by 1e-18 ~2: a -2/21 to 8/63
-100 / (third - 8)                       -> 11.111111111111111111 to 14.999999999999999999 by 1e-18 ~4: a 100/243 to 3/4
bands(third, [upto 1 at 1 / 4, rest at -1]) -> -0.083333333333333333 to 0.25 by 1e-18 ~3: a -1/3 to 1/12
step(abs(a), [at_least 2 gives 5, otherwise 1]) -> 1 to 5 by 1: a jumping
step(abs(a), [at_least 2 gives 1, otherwise 5]) -> 1 to 5 by 1: a jumping
step(a * b, [at_least 2 gives 5, otherwise 1]) -> 1 to 5 by 1: a rising, b jumping
step(max(a, 0), [at_least 2 gives 5, otherwise 1]) -> 1 to 5 by 1: a rising
step(-max(a, 0), [at_least -2 gives 5, otherwise 1]) -> 1 to 5 by 1: a falling
step(a / 4, [at_least 0.5 gives 5, otherwise 1]) -> 1 to 5 by 1: a rising
step(-a / 4, [at_least 0.5 gives 5, otherwise 1]) -> 1 to 5 by 1: a falling
step(a - a, [at_least 0.5 gives 5, otherwise 1]) -> 1 to 5 by 1: a rising
5 if a / 4 > 0.5 else 1                  -> 1 to 5 by 1: a jumping
abs(a) if ok else a                      -> -3 to 4 by 1: a -1 to 1, ok jumping
min(a, -a)                               -> -4 to 3 by 1: a -1 to 1
max(abs(a), b)                           -> 1 to 4 by 0.1: a -1 to 1, b 0 to 1
min(third, a)                            -> -3 to 1.333333333333333333 by 1e-18 ~1: a 1/3 to 1
max(third, a)                            -> -1 to 4 by 1e-18 ~1: a 1/3 to 1
max(a / 4, third)                        -> -0.75 to 1.333333333333333333 by 1e-18 ~1: a 1/4 to 1/3
min(b, b + 1)                            -> 1 to 3 by 0.1: b 1
max(a, a - 1)                            -> -3 to 4 by 1: a 1
min(b * b, 9)                            -> 1 to 9 by 0.01: b 2 to 6
a * -b                                   -> -12 to 9 by 0.1: a -3 to -1, b -4 to 3
-a * -b                                  -> -9 to 12 by 0.1: a 1 to 3, b -3 to 4
a / -b                                   -> -4 to 3 by 1e-18 ~1: a -1 to -1/3, b -3 to 4
-1 / b / c                               -> -2 to -0.166666666666666666 by 1e-18 ~3: b 1/18 to 2, c 1/12 to 4
a * 0 / b                                -> 0 to 0 by 1e-18 ~1: a 0, b 0
third * 0                                -> 0 to 0 by 0: a 0
0 / b                                    -> 0 to 0 by 1e-18 ~1: b 0
curve(abs(a), [0 gives 0, 4 gives 8])    -> 0 to 8 by 2: a -2 to 2
bands(abs(a), [upto 2 at 1, rest at 3])  -> 0 to 8 by 1: a -3 to 3
round(abs(a), 3, up)                     -> 0 to 6 by 3: a jumping
a if a < 2 else -3                       -> -3 to 1 by 1: a jumping
third if third < 1 else 0                -> -1 to 0.999999999999999999 by 1e-18 ~1: nothing
third if third > 0 else 1                -> 0.000000000000000001 to 1.333333333333333333 by 1e-18 ~1: nothing
third if third <= 0.5 else 0             -> -1 to 0.5 by 1e-18 ~1: nothing
third if third >= 0.5 else 1             -> 0.5 to 1.333333333333333333 by 1e-18 ~1: nothing
third if third != -1 else 1              -> -0.999999999999999999 to 1.333333333333333333 by 1e-18 ~1: nothing
third if third != 1.333333333333333333 else 0 -> -1 to 1.333333333333333332 by 1e-18 ~1: nothing
third if third != 0 else 1               -> -1 to 1.333333333333333333 by 1e-18 ~1: nothing
a if a != 4 else -3                      -> -3 to 3 by 1: a jumping
a if a != -3 else 4                      -> -2 to 4 by 1: a jumping
a if a > 1 else 4                        -> 2 to 4 by 1: a jumping
a if a >= 1 else 4                       -> 1 to 4 by 1: a jumping
a if a <= 2 else 0                       -> -3 to 2 by 1: a jumping
a if a == b else 0                       -> 0 to 3 by 1: a jumping, b jumping
a if a == 3 else 3                       -> 3 to 3 by 1: a jumping
bands(a, [upto 0 at 5, rest at 1])       -> 0 to 4 by 1: a 0 to 5
bands(a, [upto 2 at 1, upto 2 at 9, rest at 1]) -> 0 to 4 by 1: a 0 to 9
bands(a, [upto 2 at 1, next 0 at 9, rest at 1]) -> 0 to 4 by 1: a 0 to 9
bands(a, [upto b at 1, upto 3 at 9, rest at 1]) -> 0 to 22 by 1e-18: nothing
abs(third + 1)                           -> 0 to 2.333333333333333333 by 1e-18 ~1: a 1/3
abs(a + 3) - 1                           -> -1 to 6 by 1: a 1
min(-1, third)                           -> -1 to -1 by 1e-18 ~1: a 0 to 1/3
min(third, -1)                           -> -1 to -1 by 1e-18 ~1: a 0 to 1/3
min(1.333333333333333333, third)         -> -1 to 1.333333333333333333 by 1e-18 ~1: a 0 to 1/3
max(1.333333333333333333, third)         -> 1.333333333333333333 to 1.333333333333333333 by 1e-18 ~1: a 0 to 1/3
max(third, 1.333333333333333333)         -> 1.333333333333333333 to 1.333333333333333333 by 1e-18 ~1: a 0 to 1/3
max(-1, third)                           -> -1 to 1.333333333333333333 by 1e-18 ~1: a 0 to 1/3
bands(b, [upto 1 at 2, upto 3 at 5, rest at 7]) -> 2 to 12 by 0.1: b 5
third * a / 3                            -> -1.333333333333333333 to 1.777777777777777777 by 1e-18 ~3: a -2/3 to 8/9
1 if a + 0 > 2 and b + 0 > 5 else 0      -> 0 to 0 by 0: fixed
third * a * third / 7                    -> -0.761904761904761904 to 1.015873015873015872 by 1e-18 ~3: a -4/7 to 16/21
1 if a > 5 or b > 2 else 0               -> 0 to 1 by 1: b jumping
1 if a > 2 or b > 0 else 0               -> 1 to 1 by 1: fixed
1 if a > 2 and b > 5 else 0              -> 0 to 0 by 0: fixed
1 if (a > 5 if ok else a > 2) else 0     -> 0 to 1 by 1: a jumping, ok jumping
1 if (a > 2 if ok else a > 5) else 0     -> 0 to 1 by 1: a jumping, ok jumping
1 if (a < 9 if ok else a > 2) else 0     -> 0 to 1 by 1: a jumping, ok jumping
1 if (b > 2 if a > 5 else c > 1) else 0  -> 0 to 1 by 1: c jumping
1 if (b > 2 if a < 5 else c > 1) else 0  -> 0 to 1 by 1: b jumping
round(third, 0.000000000000000001, down) -> -1 to 1.333333333333333333 by 1e-18 ~1: a 1/3
round(min(-a, 1), 2, down)               -> -4 to 0 by 2: a falling
round(min(a, 1), 2, down)                -> -2 to 0 by 2: a rising
step(third, [above 1.333333333333333332 gives 5, otherwise 1]) -> 1 to 5 by 1: nothing
step(third, [below -0.999999999999999999 gives 5, otherwise 1]) -> 1 to 5 by 1: nothing
step(a, [at_least 3 gives 5, at_least 0 gives 1, otherwise 1]) -> 1 to 5 by 1: a rising
step(a, [at_least 3 gives 1, at_least 0 gives 5, otherwise 5]) -> 1 to 5 by 1: a falling
curve(third, [-1 gives 0, 1.333333333333333333 gives 7, 3 gives 0]) -> 0 to 7 by 1e-18 ~6: a -7/5 to 1
curve(third, [-3 gives 0, -1 gives 7, 3 gives 0]) -> 2.916666666666666668 to 7 by 1e-18 ~5: a -7/12 to 7/6
curve(a, [-3 gives 0, 1 gives 4, 4 gives 10]) -> 0 to 10 by 1: a 1 to 2
curve(a * 3, [0.5 gives 0, 3.5 gives 1]) -> 0 to 1 by 1e-18 ~1: a 0 to 1
curve(a, [-3 gives 0, 1 gives 2, 4 gives 8]) -> 0 to 8 by 0.5: a 1/2 to 2
curve(third, [0 gives 3, 1 gives 0])     -> 0 to 3 by 0.000000000000000003 ~3: a -1 to 0
curve(term - 4, [0 gives 0, 3 gives 10, 5 gives 1]) -> 10 to 10 by 1e-18 ~1: fixed
curve(term - 4, [0 gives 0, 3 gives 9, 10 gives 5]) -> 9 to 9 by 1e-18 ~1: fixed
curve(term - 4, [0 gives 0, 4 gives 8, 7 gives 0]) -> 6 to 6 by 2: fixed
bands(third, [upto 1.333333333333333333 at 1, rest at 9]) -> 0 to 1.333333333333333333 by 1e-18 ~9: a 0 to 3
bands(third + 1, [upto 1 at 1, rest at 9]) -> 0 to 12.999999999999999997 by 1e-18 ~9: a 0 to 3
bands(third + 2, [upto 1 at 1, rest at 9]) -> 1 to 21.999999999999999997 by 1e-18 ~9: a 1/3 to 3
bands(b - 1, [upto 1 at 2, rest at 5])   -> 0 to 7 by 0.1: b 2 to 5
bands(b, [upto 3 at 1, rest at 0.000000000000000001]) -> 1 to 3 by 1e-18 ~2: b 1
bands(a, [upto 0.5 at 3, rest at 0])     -> 0 to 1.5 by 1.5: a 0 to 3
bands(a, [upto 0.5 at 0, rest at 3])     -> 0 to 10.5 by 1.5: a 0 to 3
bands(third, [upto 1 at -3, rest at -1]) -> -3.333333333333333333 to 0 by 1e-18 ~3: a -1 to 0
bands(c, [upto b + 2 at 1, rest at a])   -> 0.5 to 2 by 1e-18: nothing
a + a * 0 * b                            -> -3 to 4 by 1: a 1, b 0
round(-a, 2, floor) + round(-a, 2, floor) -> -8 to 4 by 2: a falling
round(b, 1, half_up) * (a + 3)           -> 0 to 21 by 1: a 1 to 3, b rising
round(a, 2, down) / 2                    -> -1 to 2 by 1: a rising
min(-a, 1) * 2                           -> -8 to 2 by 2: a -2 to 0
b / third if third > 0 else 0            -> 0 to 3000000000000000000 by 1e-18: nothing
1 if a + 0 < -3 else 0                   -> 0 to 0 by 0: fixed
1 if a + 0 > 4 else 0                    -> 0 to 0 by 0: fixed
1 if a + 0 == 9 else 0                   -> 0 to 0 by 0: fixed
1 if a + 0 == -9 else 0                  -> 0 to 0 by 0: fixed
1 if term == 7 else 0                    -> 1 to 1 by 1: fixed
1 if a + 0 < 9 and b > 2 else 0          -> 0 to 1 by 1: b jumping
1 if b > 2 or a + 0 > 9 else 0           -> 0 to 1 by 1: b jumping
"""
ROWS = [tuple(part.strip() for part in row.split(" -> ")) for row in KNOWN.strip().splitlines()]


def rule(formula: str) -> Rule:
    return Rule(
        KPIS,
        (("term", n("7")),),
        (Definition("third", parse("a / 3")), Definition("well", parse("a >= 2"))),
        (Line("pay", 0, 1, parse(formula)),),
        (Payee("UA", parse("pay")),),
    )


def values_of(kpi: KpiShape) -> list[int]:
    if kpi.type == "number":
        return list(range(kpi.low, kpi.high + 1, kpi.multiple))
    return [0, 1] if kpi.type == "yes_no" else [at * ONE for at in range(1, len(kpi.labels) + 1)]


def grid_of(formula: str, most: int | None = None) -> list[tuple[int, ...]]:
    """All values of the KPIs that a formula reads (``third`` and ``well`` read a): evenly, ``most`` of each."""
    read = {"a", *names(parse(formula))}
    rows = [values_of(kpi) if kpi.full_name in read else [kpi.low] for kpi in KPIS]
    if most is not None:
        rows = [sorted({*row[:: -(-len(row) // most)], row[-1]}) for row in rows]
    return list(product(*rows))
