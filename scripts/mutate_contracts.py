"""Break one check of the contracts at a time, and see whether a forge test notices.

All breaks of all production contracts are compiled once, side by side: each sits behind `block.prevrandao == N`, and a
test chooses one by giving the block that number. So a break costs no compilation. scripts/mutation/Breaks.t.sol plays
all tests on one break after the other within one process; what survives that gets a `forge test` of its own, with more
fuzz runs and the invariants of Conservation.t.sol.

    scripts/mutate-contracts                    every break that has no verdict yet
    scripts/mutate-contracts EscrowCredits      of these contracts only
    scripts/mutate-contracts --checks           removed checks only: refusals, demands, guards
    scripts/mutate-contracts --quick            without the second part; survivors stay without a verdict
    scripts/mutate-contracts --again            those that survived once more (after new tests)
    scripts/mutate-contracts --list             what is known, no run

Verdicts are kept in build/mutation/verdicts.json, each as long as the function it is about stays as it is. Exit
status 1 if a break survived that docs/mutations-contracts.md does not name, or if it names one that is not there.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from pathlib import Path

from mutation.breaks import ROOT, WORK, Break, prepare
from mutation.planting import write
from mutation.trials import NOBODY, ORDINARY, Trials, forge, verdict

EXPLAINED = ROOT / "docs" / "mutations-contracts.md"
# How many breaks one process gets.
AT_ONCE = 60


def load() -> tuple[Path, dict[str, str]]:
    """Verdicts by key."""
    path = WORK / "verdicts.json"
    return path, json.loads(path.read_text()) if path.exists() else {}


def main() -> int:
    """Runs what is asked for; 1 if an unexplained break survived or some were not run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("contracts", nargs="*")
    parser.add_argument("--checks", action="store_true", help="removed checks only")
    parser.add_argument("--again", action="store_true", help="also those that survived before")
    parser.add_argument("--list", action="store_true", help="say what is known, run nothing")
    parser.add_argument("--quick", action="store_true", help="without a run of their own for those that survive")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop beginning new ones after this time")
    asked = parser.parse_args()

    sources = prepare()
    numbered = dict(enumerate((b for s in sources for b in s.breaks), start=1))
    chosen = {
        n: b
        for n, b in numbered.items()
        if (not asked.contracts or b.contract in asked.contracts) and (b.is_check or not asked.checks)
    }
    path, verdicts = load()
    todo = [n for n, b in chosen.items() if b.key not in verdicts or (asked.again and verdicts[b.key] == "survived")]
    # Removed checks before all else; contracts in the order they were asked for.
    todo.sort(key=lambda n: rank(numbered[n]))
    print(f"{len(numbered)} breaks in {len(sources)} contracts; {len(chosen)} chosen, {len(todo)} to run", flush=True)
    if todo and not asked.list:
        write(sources)
        # This compiles.
        base = forge(0, *ORDINARY, seconds=7200)
        if base.returncode != 0:
            sys.exit(f"the tests fail with nothing broken:\n{base.stdout[-3000:]}\n{base.stderr[-3000:]}")
        run_all([(n, numbered[n]) for n in todo], path, verdicts, asked.quick, asked.seconds)
    stale = explains_nothing(list(numbered.values()))
    return summary(chosen, verdicts) or int(stale)


def rank(b: Break) -> int:
    """Removed checks first, then turned comparisons and events left out, then the rest."""
    if b.is_check:
        return 0
    if b.kind == "never":
        return 1
    return 2 if b.kind.startswith(("<", ">", "=", "!")) or b.text.startswith("emit ") else 3


def run_all(todo: list[tuple[int, Break]], path: Path, verdicts: dict[str, str], quick: bool, seconds: float) -> None:
    """Runs breaks and keeps each verdict at once."""
    begun = time.monotonic()
    trials = Trials.collect()
    print(f"{len(trials.calls)} tests in {len(trials.artifacts)} contracts, within one process", flush=True)
    order = list(range(len(trials.calls)))
    alone = [test for _, test in trials.play([], order)]
    if alone:
        print(f"these take part only in the second part: {[trials.names[i] for i in alone]}", flush=True)
        trials = trials.without(alone)
        order = list(range(len(trials.calls)))

    def keep(b: Break, said: str) -> None:
        verdicts[b.key] = said
        path.write_text(json.dumps(verdicts, indent=0, sort_keys=True))
        print(f"{time.monotonic() - begun:6.0f} s  {said:12.12} {b.name}", flush=True)

    left = dict(todo)
    while left and time.monotonic() - begun < seconds:
        # One that stops the process before it is told of counts as unnoticed.
        for number, test in trials.play(list(left)[:AT_ONCE], order) or [(next(iter(left)), NOBODY)]:
            b = left.pop(number)
            if test != NOBODY:
                order.remove(test)
                order.insert(0, test)
                keep(b, f"killed by {trials.names[test]}")
                continue
            print(f"{time.monotonic() - begun:6.0f} s  unnoticed    {b.name}", flush=True)
            if not quick:
                keep(b, verdict(number))


def explained() -> str:
    """The page that names the breaks which may survive."""
    return EXPLAINED.read_text() if EXPLAINED.exists() else ""


def as_explained(b: Break) -> str:
    """How that page names a break."""
    return f"`{b.contract}.{b.function}` {b.kind}: `{b.text}`"


def explains_nothing(breaks: list[Break]) -> bool:
    """Whether the page names what there is no more; says so."""
    known = {as_explained(b) for b in breaks}
    stale = [row for row in re.findall(r"^- (`[^`]+` [^`]+: `[^`]+`)", explained(), re.MULTILINE) if row not in known]
    for row in stale:
        print(f"explains nothing any more: {row}")
    return bool(stale)


def summary(chosen: dict[int, Break], verdicts: dict[str, str]) -> int:
    """Prints a table and the survivors; what docs/mutations-contracts.md names is explained."""
    page = explained()
    rows: dict[str, list[int]] = {}
    unexplained = []
    for b in chosen.values():
        row = rows.setdefault(b.contract, [0, 0, 0, 0])
        said = verdicts.get(b.key)
        if said is None:
            row[3] += 1
        elif said != "survived":
            row[0] += 1
        elif as_explained(b) in page:
            row[1] += 1
        else:
            row[2] += 1
            unexplained.append(b.name)
    print(f"\n{'contract':24} {'killed':>7} {'explained':>10} {'survived':>9} {'not run':>8}")
    for contract, row in rows.items():
        print(f"{contract:24} {row[0]:7} {row[1]:10} {row[2]:9} {row[3]:8}")
    total = [sum(row[i] for row in rows.values()) for i in range(4)]
    print(f"{'all':24} {total[0]:7} {total[1]:10} {total[2]:9} {total[3]:8}")
    for name in unexplained:
        print(f"survived     {name}")
    return 1 if unexplained or total[3] else 0


if __name__ == "__main__":
    sys.exit(main())
