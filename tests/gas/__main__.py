"""scripts/gas: measures, prints a table or JSON, writes the snapshot."""

from __future__ import annotations

import argparse
import json
import sys

from tests.gas.anvil import fresh_anvil
from tests.gas.figures import measure, profile_of
from tests.gas.scene import Stage
from tests.gas.snapshot import ASKED, GOAL, write


def main() -> int:
    """0 if every figure is within what is asked."""
    parser = argparse.ArgumentParser(prog="scripts/gas", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one object: gas by figure")
    parser.add_argument("--write", action="store_true", help="replace the snapshot")
    parser.add_argument("--profile", action="store_true", help="where the gas of each transaction goes")
    options = parser.parse_args()
    with fresh_anvil(traced=options.profile) as anvil:
        stage = Stage(anvil)
        figures = measure(stage)
        profiles = {figure.name: profile_of(stage, figure) for figure in figures} if options.profile else {}
    if options.write:
        write(figures)
    if options.json:
        print(json.dumps({figure.name: figure.gas for figure in figures}, indent=2))
        return 0
    print(f"{'':<20}{'gas':>9}{'floor':>9}{'ratio':>7}{'asked':>9}{'goal':>9}")
    for figure in figures:
        verdict = "goal" if figure.gas <= GOAL[figure.name] else "ok" if figure.gas <= ASKED[figure.name] else "MISSED"
        numbers = f"{figure.gas:>9,}{figure.floor:>9,}{figure.gas / figure.floor:>7.2f}"
        print(f"{figure.name:<20}{numbers}{ASKED[figure.name]:>9,}{GOAL[figure.name]:>9,}  {verdict}")
    for name, parts in profiles.items():
        for part, spent in parts.items():
            print(f"\n{name}: {part}, {sum(spent.values()):,}")
            print("\n".join(f"  {kind:<26}{gas:>9,}" for kind, gas in spent.items()))
    return int(any(figure.gas > ASKED[figure.name] for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
