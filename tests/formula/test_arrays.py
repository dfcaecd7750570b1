"""What is known of a value in all scenarios at once: where it lies, of what it is a multiple, how far it may be off.

Each row says it of one formula: least and most; ``x`` and the grain, whose multiples the numbers count (exactly, if
nothing else is said); ``off``: by how much floats may miss the value, relative to it and in units of 2**-53; ``from``:
how small a value that is not zero may be; and how many of the scenarios that are tried floats leave to the exact
evaluator. More doubt than there is would only be slow; less would be wrong.
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from pyoutcome.decimals import ONE
from pyoutcome.formula import Rule, evaluate
from pyoutcome.formula.arrays import UNIT, Many
from pyoutcome.formula.floats import Floats
from pyoutcome.formula.generated import Code, name
from pyoutcome.formula.scenarios import evaluate_many
from tests.formula import small
from tests.formula.test_scenarios import compare

KNOWN = """
7 -> 7 x 7 from 7: 0 of 5
a -> -3 to 4 x 1 from 1: 0 of 5
-a -> -4 to 3 x -1 from 1: 0 of 5
-term -> -7 x 7 from 7: 0 of 5
third -> -1 to 1.333333333 x 0.3333333333 off 4.057021598 from 0.3333333333: 0 of 5
a + b -> -2 to 7 x 0.1 from 0.1: 0 of 25
a - b -> -6 to 3 x 0.1 from 0.1: 0 of 25
b - a -> -3 to 6 x 0.1 from 0.1: 0 of 25
-a - b -> -7 to 2 x 0.1 from 0.1: 0 of 25
-b - a -> -7 to 2 x 0.1 from 0.1: 0 of 25
a + 0 -> -3 to 4 x 1 from 1: 0 of 5
0 + b -> 1 to 3 x 0.1 from 0.1: 0 of 25
term + 1 -> 8 x 8 from 8: 0 of 5
a + a -> -6 to 8 x 1 from 1: 0 of 5
third + b -> 0 to 4.333333333 x 0.3333333333 off 4505.6 from 9.835231443e-05: 1 of 25
b + third + 5 -> 5 to 9.333333333 x 0.1 off 4509.6 from 9.835231443e-05: 1 of 25
third + 2 -> 1 to 3.333333333 x 0.3333333333 off 4505.6 from 0.0003278410481: 0 of 5
third - c -> -3 to 0.8333333333 x 0.3333333333 off 4505.6 from 9.835231443e-05: 0 of 25
c - third -> -0.8333333333 to 3 x 0.1 off 4505.6 from 9.835231443e-05: 0 of 25
third - third -> -2.333333333 to 2.333333333 x 0.3333333333 off 4505.6 from 0.0003278410481: 5 of 5
1_000_000 * third - a / 7 -> -1000000.571 to 1333333.762 x 333333.3333 off 4505.6 from 0.000211488418: 0 of 5
a * b -> -9 to 12 x 0.1 from 0.1: 0 of 25
a * a -> -12 to 16 x 1 from 1: 0 of 5
a / b -> -4 to 4 x 10 off 4.057021598 from 0.3333333333: 0 of 25
a / 3 -> -1 to 1.333333333 x 0.3333333333 off 4.057021598 from 0.3333333333: 0 of 5
a / 4 -> -0.75 to 1 x 0.25 from 0.25: 0 of 5
a * -2 -> -8 to 6 x -2 from 2: 0 of 5
b * 0.1 -> 0.1 to 0.3 x 0.01 from 0.01: 0 of 25
a * b / c -> -24 to 24 x 1 off 4.210143985 from 0.05: 0 of 125
a / b / 2 -> -2 to 2 x 5 off 8.181635009 from 0.1666666667: 0 of 25
third * c -> -2 to 2.666666667 x 0.03333333333 off 8.397807791 from 0.03333333333: 0 of 25
third * 3 -> -3 to 4 x 1 off 8.136599013 from 1: 0 of 5
1 / b -> 0 to 1 x 10 off 4.057021598 from 0.3333333333: 0 of 25
term / 2 -> 3.5 x 3.5 from 3.5: 0 of 5
b / c -> 0 to 6 x 1 off 4.210143985 from 0.05: 0 of 125
100 / (a - 5) -> -100 to 100 x 100 off 4.030720576 from 12.5: 0 of 5
100 / (-b) -> -100 to 100 x -1000 off 4.030270216 from 33.33333333: 0 of 25
a / -b -> -4 to 4 x -10 off 4.057021598 from 0.3333333333: 0 of 25
b / (a - 1) -> -3 to 3 x 0.1 off 4.39028797 from 0.025: 5 of 25
c / (third - 1) -> -6100.517344 to 6100.517344 x 0.3 off 4554.866144 from 0.05: 5 of 25
a * 0 -> 0 x 1 from 1: 0 of 5
a * 0 / b -> 0 x 1 from 1: 0 of 25
1_000 / (third + 2) -> 0 to 1000 x 3000 off 4554.68603 from 300: 0 of 5
abs(a) -> 0 to 4 x 1 from 1: 0 of 5
abs(b) -> 1 to 3 x 0.1 from 0.1: 0 of 25
abs(-b) -> 1 to 3 x 0.1 from 0.1: 0 of 25
abs(a - 10) -> 6 to 13 x 1 from 1: 0 of 5
abs(third) -> 0 to 1.333333333 x 0.3333333333 off 4.057021598 from 0.3333333333: 0 of 5
abs(-7) -> 7 x 7 from 7: 0 of 5
min(a, b) -> -3 to 3 x 0.1 from 0.1: 0 of 25
max(a, b) -> 1 to 4 x 0.1 from 0.1: 0 of 25
min(a, 1) -> -3 to 1 x 1 from 1: 0 of 5
min(a, -3) -> -3 x 3 from 3: 0 of 5
min(4, a) -> -3 to 4 x 1 from 1: 0 of 5
max(a, 4) -> 4 x 4 from 4: 0 of 5
max(-3, a) -> -3 to 4 x 1 from 1: 0 of 5
max(third, c) -> 0.5 to 2 x 0.3333333333 off 6.117591814 from 0.1: 0 of 25
min(third, c) -> -1 to 1.333333333 x 0.3333333333 off 6.117591814 from 0.1: 0 of 25
min(a, b, c) -> -3 to 2 x 0.1 from 0.1: 0 of 125
clamp(a, 0, 2) -> 0 to 2 x 1 from 1: 0 of 5
clamp(a, -9, b) -> -3 to 3 x 0.1 from 0.1: 0 of 25
clamp(a, b, b + c) -> 1 to 4 x 0.1 from 0.1: 0 of 125
outside(a, 0, 2) -> 0 to 3 x 1 from 1: 0 of 5
outside(a, -4, b) -> 0 to 3 x 0.1 from 0.1: 0 of 25
round(a, 2, down) -> -5 to 6 x 2 from 2: 0 of 5
round(a, 0.5, down) -> -3 to 4 x 1 from 1: 0 of 5
round(b, 1, half_up) -> 0 to 4 x 1 from 1: 0 of 25
round(a * 1.5, 1, half_up) -> -5.5 to 7 x 1 from 1: 0 of 5
round(a * 1.5, 1, half_even) -> -5.5 to 7 x 1 from 1: 0 of 5
round(-b, 1, up) -> -4 to 0 x 1 from 1: 0 of 25
round(a * 1.5, 1, up) -> -5.5 to 7 x 1 from 1: 0 of 5
round(a * 1.5, 1, ceil) -> -5.5 to 7 x 1 from 1: 0 of 5
round(a * 1.5, 1, floor) -> -5.5 to 7 x 1 from 1: 0 of 5
round(third, 0.5, floor) -> -1.5 to 1.833333333 x 0.5 from 0.5: 2 of 5
round(third, 0.5, half_up) -> -1.5 to 1.833333333 x 0.5 from 0.5: 0 of 5
round(third, 0.5, half_even) -> -1.5 to 1.833333333 x 0.5 from 0.5: 0 of 5
round(a, b, down) -> -6 to 7 x 0.1 from 0.1: 0 of 25
round(third, c, up) -> -3 to 3.333333333 x 0.3333333333 off 4 from 0.1: 2 of 25
round(1_000_000_000_000 * third, 0.001, down) -> -1e+12 to 1.333333333e+12 x 0.001 from 0.001: 5 of 5
step(a, [at_least 2 gives 5, otherwise 1]) -> 1 to 5 x 1 from 1: 0 of 5
step(a, [above 2 gives 5, below 0 gives b, otherwise 1]) -> 1 to 5 x 0.1 from 0.1: 0 of 25
step(third, [at_most 1 gives third, otherwise c]) -> -1 to 2 x 0.3333333333 off 5.057021598 from 0.1: 5 of 25
step(a, [at_least b gives 5, otherwise 5]) -> 5 x 5 from 5: 0 of 25
pick(tier, [gold gives 5, silver gives 7, base gives 9]) -> 5 to 9 x 1 from 5: 0 of 15
pick(tier, [gold gives a, otherwise 9]) -> -3 to 9 x 1 from 1: 0 of 15
bands(a, [upto 2 at 5, rest at 1]) -> 0 to 12 x 1 from 1: 0 of 5
bands(a, [upto 2 at -5, next 1 at 1.5, rest at 0]) -> -10 to 1.5 x 0.5 from 0.5: 0 of 5
bands(b, [next c at 2, next 1 at 3, rest at 1]) -> 1 to 13 x 0.1 from 0.1: 0 of 125
bands(a, [upto b at 2, rest at 1]) -> 0 to 9 x 0.1 from 0.1: 0 of 25
bands(a, [upto b at 2, upto 2 at 4, rest at 1]) -> 0 to 12 x 0.2 from 0.2: 10 of 25
bands(third, [upto 1 at 3, rest at 1]) -> 0 to 3.333333333 x 1 off 4633.707048 from 0.0003278410481: 1 of 5
bands(c, [upto 1 at 0.000000000000000001, rest at 1]) -> 5e-19 to 1 x 1e-19 off 8200.03 from 1.099511628e-06: 25 of 25
curve(a, [0 gives 10, 2 gives 20]) -> 10 to 20 x 5 from 5: 0 of 5
curve(a, [0 gives 10, 3 gives 20]) -> 10 to 20 x 3.333333333 off 3.00270216 from 3.333333333: 0 of 5
curve(a, [-3 gives 10, 1 gives 2, 4 gives 5]) -> 2 to 10 x 1 from 1: 0 of 5
curve(a, [5 gives 10, 6 gives 2]) -> 10 x 10 from 10: 0 of 5
curve(a, [-5 gives 10, -3 gives 2]) -> 2 x 2 from 2: 0 of 5
curve(a, [-5 gives 10, -4 gives 2, 0 gives 8]) -> 2 to 10 x 0.5 from 0.5: 0 of 5
curve(b, [1 gives c, 2 gives 0]) -> 0 to 0 x 1 from 1: 125 of 125
curve(third, [0 gives 0, 1 gives 3]) -> 0 to 3 x 1 off 11.20777493 from 1: 0 of 5
curve(third, [0 gives 4, 1 gives 3, 2 gives 9]) -> 3 to 9 x 0.3333333333 off 4564.255048 from 0.0006195389538: 1 of 5
a if ok else b -> -3 to 4 x 0.1 from 0.1: 0 of 50
third if ok else 1 -> -1 to 1.333333333 x 0.3333333333 off 5.057021598 from 0.3333333333: 0 of 10
7 if ok else 7 -> 7 x 7 from 7: 0 of 10
a if a > 0 else 0 -> -3 to 4 x 1 from 1: 0 of 5
a if a < b else b -> -3 to 4 x 0.1 from 0.1: 0 of 25
a if third < c else b -> -3 to 4 x 0.1 from 0.1: 0 of 125
1 if third == c else 0 -> 0 to 1 x 1 from 1: 0 of 25
1 if a == 0.5 else 0 -> 0 to 1 x 1 from 1: 0 of 5
1 if a != 0.5 else 0 -> 0 to 1 x 1 from 1: 0 of 5
1 if a > 0.5 else 0 -> 0 to 1 x 1 from 1: 0 of 5
1 if -a >= 0.5 else 0 -> 0 to 1 x 1 from 1: 0 of 5
1 if 2 < a else 0 -> 0 to 1 x 1 from 1: 0 of 5
1 if term > 5 else 0 -> 1 x 1 from 1: 0 of 5
100 / a if a > 0 else 0 -> -100 to 100 x 100 off 5.030360288 from 1: 0 of 5
a if ok and a > 1 else 0 -> -3 to 4 x 1 from 1: 0 of 10
a if ok or a > 1 else 0 -> -3 to 4 x 1 from 1: 0 of 10
a if (a > 1 if ok else a > 2) else 0 -> -3 to 4 x 1 from 1: 0 of 10
a if yes else 9 -> -3 to 9 x 1 from 1: 0 of 5
period * a -> -3 to 4 x 1 from 1: 0 of 5
1_000_000_000_000_000 * a * b -> -9e+15 to 1.2e+16 x 1e+14 from 1e+14: 0 of 25
1_000_000_000_000_000_000 * a + b -> -3e+18 to 4e+18 x 1e+18 off 4505.6 from 4.8828125e-05: 0 of 25
1_000_000_000_000_000_000 * a - b -> -3e+18 to 4e+18 x 1e+18 off 4505.6 from 4.8828125e-05: 0 of 25
abs(1_000_000_000_000_000_000 * a) -> 0 to 4e+18 x 1e+18 from 1e+18: 0 of 5
0.000000000000000001 -> 1e-18 x 1e-18 from 1e-18: 0 of 5
0.000000000000000001 * a -> -3e-18 to 4e-18 x 1e-18 from 1e-18: 0 of 5
(a - 1) * 0.000000001 / 3 -> -1.333333333e-09 to 1e-09 x 3.333333333e-10 off 8196.03 from 1.099511628e-06: 4 of 5
round(third * 1.5, 1, half_up) -> -2.5 to 3 x 1 from 1: 4 of 5
round(third * 1.5, 1, half_even) -> -2.5 to 3 x 1 from 1: 4 of 5
round(third * 3, 2, floor) -> -5 to 6 x 2 from 2: 1 of 5
round(third * 3, 2, up) -> -5 to 6 x 2 from 2: 1 of 5
round(-third - 2, 2, up) -> -5.333333333 to 0 x 2 from 2: 0 of 5
round(third + 2, 2, half_up) -> 0 to 5.333333333 x 2 from 2: 2 of 5
1 if third * 3 == a else 0 -> 0 to 1 x 1 from 1: 5 of 5
1 if 3 * third > a else 0 -> 0 to 1 x 1 from 1: 5 of 5
1 if a != -0.5 else 0 -> 0 to 1 x 1 from 1: 0 of 5
1 if a <= 0.5 else 0 -> 0 to 1 x 1 from 1: 0 of 5
1 if -a < 0.5 else 0 -> 0 to 1 x 1 from 1: 0 of 5
1 if 0.5 > -a else 0 -> 0 to 1 x 1 from 1: 0 of 5
1 if b == 1.25 else 0 -> 0 to 1 x 1 from 1: 0 of 25
b - third * 3 -> -3 to 6 x 0.1 off 4505.6 from 0.0001481518434: 2 of 25
-third - c -> -3.333333333 to 0.5 x 0.3333333333 off 4505.6 from 9.835231443e-05: 0 of 25
third / 7 - c / 3 -> -0.8095238095 to 0.02380952381 x 0.04761904762 off 4505.6 from 5.011695556e-05: 0 of 25
a / (b + 1) + 2 -> 0 to 4 x 10 off 4505.6 from 0.000246155664: 0 of 25
c / b - 1 -> -1 to 1 x 1 off 4505.6 from 3.377366527e-05: 5 of 125
abs(min(a, -3)) -> 3 x 3 from 3: 0 of 5
abs(min(a, -3) + 3) -> 0 x 1 from 1: 0 of 5
abs(a - 1) -> 0 to 4 x 1 from 1: 0 of 5
curve(min(a, -3), [-5 gives 0, 0 gives 7, 2 gives 9]) -> 2.8 x 2.8 from 2.8: 0 of 5
curve(min(a, -3), [-9 gives 0, -5 gives 7, 2 gives 9]) -> 7.571428571 x 7.571428571 from 7.571428571: 0 of 5
curve(a, [-3 gives 7, 0 gives 7, 2 gives 9]) -> 7 to 9 x 1 from 1: 0 of 5
bands(min(a, -3), [upto 2 at 5, rest at 1]) -> 0 x 1 from 1: 0 of 5
bands(max(a, 4), [upto 2 at 5, rest at b]) -> 12 to 16 x 0.2 from 0.2: 0 of 25
a / 7 / (third + 2) -> -0.5714285714 to 0.5714285714 x 0.4285714286 off 4559.030149 from 0.04285714286: 0 of 5
max(c, b / 3) -> 0.5 to 2 x 0.1 off 6.363218137 from 0.03333333333: 0 of 125
0 / (a - 1) -> 0 x 1 from 1: 1 of 5
(a - 1) / (a - 1) -> -4 to 4 x 1 off 4.066028797 from 0.25: 1 of 5
b / -c -> -6 to 6 x -1 off 4.210143985 from 0.05: 0 of 125
5 / (0 - b - c) -> -3.333333333 to 3.333333333 x 50 off 4.039007199 from 1: 0 of 125
step(a, [at_least 0.5 gives 5, below -0.5 gives 2, otherwise b]) -> 1 to 5 x 0.1 from 0.1: 0 of 25
a * 57896044618658097711785492504343953926634992332820282019728 ->
  -5.789604462e+58 to 5.789604462e+58 x 5.789604462e+58 from 5.789604462e+58: 5 of 5
b * 0.000001 / 0.3 -> 3.333333333e-06 to 1e-05 x 3.333333333e-07 off 8196.03 from 1.099511628e-06: 0 of 25
(a - 1) * 0.000001 / 3 -> -1.333333333e-06 to 1e-06 x 3.333333333e-07 off 8196.03 from 1.099511628e-06: 3 of 5
1_000_000_000_000_000_000 if ok else 0.000000000000000007 -> 7e-18 to 1e+18 x 1e+18 off 1 from 7e-18: 0 of 10
-abs(third) - c -> -3.333333333 to -0.5 x 0.3333333333 off 8.057021598 from 0.1: 0 of 25
-c / 3 - abs(third) -> -2 to -0.1666666667 x 0.03333333333 off 8.300215978 from 0.03333333333: 0 of 25
a/3 + a/7 + a/9 -> -1.761904762 to 2.349206349 x 0.3333333333 off 2306867.2 from 1.517408031e-07: 0 of 5
a/3 + a/7 + a/9 + a/11 -> -2.034632035 to 2.712842713 x 0.3333333333 off 4613734.4 from 4.172879321e-08: 0 of 5
a/3 + a/7 + a/9 + a/11 + a/13 -> -2.265401265 to 3.020535021 x 0.3333333333 off 5075112.24 from 2.08643966e-08: 0 of 5
a/3 + a/7 + a/9 + a/11 + a/13 + a/17 + a/19 + a/21 + a/23 ->
  -2.873058516 to 3.830744688 x 0.3333333333 off 7430492.251 from 1.304024788e-09: 0 of 5
a/3 + a/7 + a/9 + a/11 + a/13 + a/17 + a/19 + a/21 + a/23 + a/27 ->
  -2.984169627 to 3.978892836 x 0.3333333333 off 8173545.876 from 6.520123939e-10: 5 of 5
(a-1)/3 + (a-1)/7 + (a-1)/9 + (a-1)/11 + (a-1)/13 ->
  -3.020535021 to 2.265401265 x 0.3333333333 off 5075112.24 from 2.08643966e-08: 0 of 5
a / (term - 7) -> 0 to 0 x 1 from 1: 5 of 5
a / 0.000000000000000001 -> -3e+18 to 4e+18 x 1e+18 from 1e+18: 0 of 5
a / (a / (term - 7)) -> -4 to 4 x 1 off 4.03 from 1e+18: 5 of 5
5 / abs(a - 1) -> 0 to 5 x 5 off 4.037205759 from 1.25: 1 of 5
5 / -abs(a - 1) -> -5 to 5 x -5 off 4.037205759 from 1.25: 1 of 5
abs(a) / b -> 0 to 4 x 10 off 4.057021598 from 0.3333333333: 0 of 25
-abs(a) / b -> -4 to 0 x -10 off 4.057021598 from 0.3333333333: 0 of 25
-abs(a) / abs(a - 1) -> -4 to 0 x -1 off 4.066028797 from 0.25: 1 of 5
0.000000000000000001 * 0.000000000000000001 / c -> 0 to 2e-36 x 1e-35 off 8196.03 from 1.099511628e-06: 25 of 25
(a * 1_000_000_000 + b) * (a * 1_000_000_000 - b) ->
  -1.200000002e+19 to 1.600000001e+19 x 0.01 off 3.03 from 0.01: 0 of 25
min(a, b + 3) -> -3 to 4 x 1 from 1: 0 of 25
max(a, c - 5) -> -3 to 4 x 1 from 1: 0 of 25
round(a, abs(a - 1), down) -> -7 to 8 x 1 from 1: 1 of 5
round(a, 0.000000000000000001, down) -> -3 to 4 x 1 from 1: 0 of 5
round(third + b + 0.000000000002, 1, down) -> 0 to 5.333333333 x 1 from 1: 2 of 25
round(third + b + 0.00000000000104, 1, down) -> 0 to 5.333333333 x 1 from 1: 5 of 25
round(third + b + 0.00000000000115, 1, down) -> 0 to 5.333333333 x 1 from 1: 3 of 25
round(b, third + 2, down) -> 0 to 6.333333333 x 0.1 off 4509.6 from 0.0003278410481: 4 of 25
round((a - 1) / 3, 1, floor) -> -2.333333333 to 2 x 1 from 1: 1 of 5
round(c, 1, down) -> 0 to 3 x 1 from 1: 0 of 25
round(abs(a), 2, down) -> 0 to 6 x 2 from 2: 0 of 5
round(-c, 1, down) -> -3 to 0 x 1 from 1: 0 of 25
round(-abs(a), 2, down) -> -6 to 0 x 2 from 2: 0 of 5
round(1_000_000_000_000_000 * third, 0.001, down) -> -1e+15 to 1.333333333e+15 x 0.001 off 2 from 0.001: 5 of 5
1 if a > 1.000000000000000001 else 0 -> 0 to 1 x 1 from 1: 0 of 5
1 if 1.000000000000000001 < a else 0 -> 0 to 1 x 1 from 1: 0 of 5
1 if a * 4.9 <= b + 1.9 else 0 -> 0 to 1 x 1 from 1: 0 of 25
1 if third + b >= 2.000000000004 else 0 -> 0 to 1 x 1 from 1: 1 of 25
1 if third + b >= 2.0000000000023 else 0 -> 0 to 1 x 1 from 1: 1 of 25
1 if third + b >= 2.0000000000021 else 0 -> 0 to 1 x 1 from 1: 3 of 25
1 if third + b >= 2.000000000002201 else 0 -> 0 to 1 x 1 from 1: 3 of 25
1 if (a - 1) / 3 >= (a - 1) / 7 else 0 -> 0 to 1 x 1 from 1: 0 of 5
bands(a, [upto b - 1 at 5, rest at 2]) -> 0 to 18 x 0.1 from 0.1: 0 of 25
curve(a, [term - 7 gives 3, 0 gives 9]) -> 0 to 0 x 1 from 1: 5 of 5
curve(third, [-1 gives 7, 0 gives 7, 1 gives 9]) -> 7 to 9 x 0.6666666667 off 15.21227853 from 0.6666666667: 1 of 5
curve(a, [-3 gives 0, 0 gives 3_000.000000000000003, 4 gives 4_000_000]) ->
  0 to 4000000 x 1000 off 7.000009007 from 1000: 0 of 5
curve(third, [-1 gives 4, 0 gives 3, 0.5 gives 9, 1 gives 5]) ->
  3 to 9 x 0.3333333333 off 4613734.4 from 1.223961137e-07: 3 of 5
c * 0.000000001 * 0.0000000001 / 0.0000000001 -> 5e-10 to 2e-09 x 1e-10 from 1e-10: 0 of 25
a if term > 5 else 0 -> -3 to 4 x 1 from 1: 0 of 5
a if (a > 1 if ok else 1 / (a - 1) > 2) else 0 -> -3 to 4 x 1 from 1: 1 of 10
round(round(b, c, down), 0.3, up) -> 0 to 5.3 x 0.3 from 0.3: 0 of 125
round(a * b, c * 5, down) * 3 -> -57 to 66 x 0.3 from 1.5: 0 of 125
"""
ROWS = KNOWN.strip().replace("->\n ", "->").splitlines()


def many(made: Rule) -> Many:
    """What the code of the only line is known to give."""
    floats = Floats(made, Code(), dict(made.parameters) | {"period": ONE})
    for kpi in made.kpis:
        if kpi.type == "yes_no":
            floats.flags[kpi.full_name] = name(kpi.full_name)
        else:
            ends = Fraction(kpi.low), Fraction(kpi.high)
            floats.known[kpi.full_name] = Many(
                name(kpi.full_name), Fraction(kpi.multiple), *ends, least=Fraction(kpi.multiple)
            )
    third, well = (each.formula for each in made.definitions)
    floats.known["third"] = floats.number(third)
    floats.flags["well"] = floats.truth(well)
    return floats.number(made.lines[0].formula)


def show(value: Fraction) -> str:
    return f"{float(value):.10g}"


def left_to_the_exact_evaluator(made: Rule, tried: list[tuple[int, ...]]) -> list[bool]:
    columns = {
        kpi.full_name: [word / (1 if kpi.type == "yes_no" else ONE) for word in column]
        for kpi, column in zip(made.kpis, zip(*tried, strict=True), strict=True)
    }
    return [bool(each) for each in evaluate_many(made, columns).exactly]


def said(formula: str) -> str:
    made, tried = small.rule(formula), small.grid_of(formula, most=5)
    found = many(made)
    off = f" off {show(found.off / UNIT)}" if found.off else ""
    ends = f"{show(found.low / ONE)} to {show(found.high / ONE)}"
    if found.value is not None:
        ends = f"{show(Fraction(found.value, ONE))}"
        assert found.low == found.high == found.value
    grain, least = show(found.grain / ONE), show(found.least / ONE)
    doubtful = sum(left_to_the_exact_evaluator(made, tried))
    return f"{ends} x {grain}{off} from {least}: {doubtful} of {len(tried)}"


@pytest.mark.parametrize("row", ROWS)
def test_this_is_known_of_many_scenarios(row: str) -> None:
    formula, known = row.split(" -> ")
    assert known == said(formula)


@pytest.mark.parametrize("formula", [row.split(" -> ")[0] for row in ROWS])
def test_they_give_what_the_exact_evaluator_gives(formula: str) -> None:
    compare(small.rule(formula), [[words] for words in small.grid_of(formula, most=5)])


@pytest.mark.parametrize("formula", [row[0] for row in small.ROWS])
def test_what_is_known_of_many_scenarios_is_true(formula: str) -> None:
    made, tried = small.rule(formula), small.grid_of(formula, most=5)
    found = many(made)
    for words, doubtful in zip(tried, left_to_the_exact_evaluator(made, tried), strict=True):
        value = evaluate(made, words).amounts[0]
        if not doubtful:
            assert found.low - abs(found.low) * found.off <= value <= found.high + abs(found.high) * found.off
            assert value == 0 or abs(value) >= found.least * (1 - found.off) - 1
