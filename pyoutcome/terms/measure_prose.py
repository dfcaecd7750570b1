"""How a KPI is counted, in plain English: every choice that changes a value is said, also the ones made by default."""

from __future__ import annotations

import re
from typing import Final

from pyoutcome.decimals import DECIMALS, ONE, Rounding, show_grouped
from pyoutcome.formula.words import list_words
from pyoutcome.terms.file import AgreementFile
from pyoutcome.terms.kpis import Kpi
from pyoutcome.terms.measures import (
    EVERYTHING,
    Count,
    DistinctCount,
    Greatest,
    Least,
    Mean,
    Measure,
    Percentile,
    Ratio,
    Sum,
    TimeShare,
    ValuedMeasure,
    Versions,
    WeightedMean,
)
from pyoutcome.terms.records_prose import clock_words, code, codes

_ROUNDED: Final = {
    Rounding.DOWN: "toward zero",
    Rounding.UP: "away from zero",
    Rounding.HALF_UP: "to the nearest, ties away from zero",
    Rounding.HALF_EVEN: "to the nearest, ties to the even digit",
    Rounding.FLOOR: "downward",
    Rounding.CEIL: "upward",
}
_LENGTHS: Final = {60: "minutes", 3_600: "hours", 86_400: "days"}


def measure_words(kpi: Kpi, file: AgreementFile) -> tuple[str, ...]:
    """How a KPI is counted: from which records, what is worked out of them, and what of missing values and rounding."""
    measure = kpi.measure
    if measure is None:
        reported = "; the verifiers report it" if file.escrow is not None else ""
        return (f"This agreement does not say how it is counted{reported}.",)
    if isinstance(measure, TimeShare):
        return _time_words(measure, file), _rounding_words(kpi, measure)
    items = _item_words(measure)
    if isinstance(measure, Count | DistinctCount):
        return (f"{items}The value is {_number_of(measure, file)}",)
    taken = f"{items}The KPI is worked out from the {_things(measure)} {_chosen(measure, file)}"
    return taken, f"{_result(measure)} {_rounding_words(kpi, measure)}"


def _item_words(measure: Measure) -> str:
    """Which record stands for an item, where records are versions; nothing where a record is counted by itself."""
    grain = None if isinstance(measure, TimeShare) else measure.grain
    if not isinstance(grain, Versions):
        return ""
    end = "greatest" if grain.version == "latest" else "least"
    return (
        f"Records of {code(measure.records)} with the same {list_words(codes(grain.item))} are versions of one item. "
        f"An item is what its {grain.version} version says, that with the {end} {', then '.join(codes(grain.by))}; the "
        f"others are not looked at. Two versions of an item that are both the {grain.version} are refused; a record "
        "that lacks one of these columns is left out. "
    )


def _things(measure: Measure) -> str:
    return "items" if not isinstance(measure, TimeShare) and isinstance(measure.grain, Versions) else "records"


def _chosen(measure: Measure, file: AgreementFile) -> str:
    """Of which source, in the period and by which conditions; ends the sentence."""
    column = file.records[measure.records].columns[measure.anchor]
    clock = clock_words(column, file.term.zone)
    chosen = [f"whose {code(measure.anchor)}{f' ({clock})' if clock else ''} lies in the period"]
    if measure.provider is not None:
        chosen.append(f"whose {code(measure.provider)} is the provider's id")
    if measure.where is not None:
        chosen.append(f"for which {code(measure.where)} holds")
    said = f"of {code(measure.records)} {list_words(chosen)}."
    left_out = measure.except_
    if left_out is None:
        return said
    out = [f"whose {code(measure.anchor)} lies in a window of {code(name)}" for name in left_out.windows]
    out += [f"for which {code(flag)} is true" for flag in left_out.flags]
    return f"{said} Those {list_words(out, 'or')} are left out."


def _number_of(measure: Count | DistinctCount, file: AgreementFile) -> str:
    if isinstance(measure, Count):
        return f"the number of {_things(measure)} {_chosen(measure, file)}"
    return (
        f"the number of different values of {code(measure.of)} in the {_things(measure)} {_chosen(measure, file)} A "
        "missing value is not counted."
    )


def _result(measure: Ratio | ValuedMeasure) -> str:
    """What is worked out of the records taken, before it is rounded."""
    if not isinstance(measure, Ratio):
        return _value_words(measure)
    above, things = code(measure.numerator), _things(measure)
    if measure.denominator in (EVERYTHING, None):
        return (
            f"The value is the number of these {things} for which {above} holds, divided by the number of all of them."
        )
    below = code(measure.denominator or "")
    return (
        f"Of these {things} only those for which {below} holds are looked at: the value is the number of them for "
        f"which {above} holds, divided by the number of all of them."
    )


def _value_words(measure: ValuedMeasure) -> str:
    value, these = code(measure.value), f"these {_things(measure)}"
    thing = these.removeprefix("these ").removesuffix("s")
    match measure:
        case Sum():
            result = f"the sum of {value} over {these}"
        case Mean():
            result = f"the mean of {value}: its sum over {these}, divided by the number of those that have it"
        case WeightedMean():
            weight = code(measure.weight)
            result = (
                f"the mean of {value}, weighted by {weight}: the sum of {value} times {weight} over {these}, "
                f"divided by the sum of {weight}"
            )
        case Least():
            result = f"the least {value} among {these}"
        case Greatest():
            result = f"the greatest {value} among {these}"
        case Percentile():
            result = _percentile_words(measure, value)
    said = [f"The value is {result}."]
    if measure.divide_by != ONE:
        said.append(f"It is divided by {show_grouped(measure.divide_by)}{_units_made(measure)}.")
    weighted = isinstance(measure, WeightedMean)
    if weighted:
        said.append("A weight below 0 is refused.")
    lacking = f"A {thing} without that number{' or its weight' if weighted else ''}"
    if measure.missing == "skip":
        said.append(f"{lacking} is left out.")
    elif measure.missing == "refuse":
        said.append(f"{lacking} stops the measurement until it is put right.")
    else:
        stands_in = show_grouped(int(measure.missing or 0))
        said.append(f"For a {thing} without that number, {stands_in} is taken in its place.")
        if weighted:
            said.append(f"A {thing} without its weight stops the measurement until it is put right.")
    return " ".join(said)


def _units_made(measure: ValuedMeasure) -> str:
    """What a division makes of seconds."""
    whole, rest = divmod(measure.divide_by, ONE)
    seconds = re.fullmatch(r"seconds_between\([^()]*\)", measure.value.strip())
    return f", which makes {_LENGTHS[whole]} of seconds" if seconds and not rest and whole in _LENGTHS else ""


def _percentile_words(measure: Percentile, value: str) -> str:
    percent = show_grouped(measure.percent)
    if measure.method == "nearest_rank":
        return (
            f"the {_ordinal(percent)} percentile of {value} by nearest rank: of n values in ascending order, the one "
            f"at place {percent}/100 times n, rounded up"
        )
    return (
        f"the {_ordinal(percent)} percentile of {value}, interpolated: of n values in ascending order, the one at "
        f"place 1 plus {percent}/100 times (n - 1), between two places in proportion"
    )


def _ordinal(number: str) -> str:
    ending = {"1": "st", "2": "nd", "3": "rd"}.get(number[-1], "th")
    return f"{number}{'th' if number[-2:-1] == '1' or '.' in number else ending}"


def _time_words(measure: TimeShare, file: AgreementFile) -> str:
    zone = file.term.zone
    clock = clock_words(file.records[measure.records].columns[measure.anchor], zone)
    rows = f"the records of {code(measure.records)}"
    if measure.where is not None:
        rows += f" for which {code(measure.where)} holds"
    anchor, state = code(measure.anchor), code(measure.state)
    time = f"{anchor} ({clock})" if clock else anchor
    items = list_words(codes(measure.item))
    said = [
        f"The KPI is worked out from {rows}, which say in what state an item is. Items are told apart by {items}.",
        f"What a record says holds from its {time} until that of the item's next one.",
        "What an item's last record before a period says holds at the period's start.",
        "The time before an item's first record is not known, and is not counted.",
        f"Of two records of an item with the same time the one with the greatest {code(measure.ties)} is the later."
        if measure.ties is not None
        else "Two records of an item with the same time are refused.",
    ]
    if measure.provider is not None:
        said.append(f"A provider's time is that of records whose {code(measure.provider)} is its id.")
    said.append(
        f"The value is the time of all items in the period in which {state} holds, divided by all their time in the "
        "period that is known."
    )
    left_out = measure.except_
    if left_out is not None:
        out = [f"within a window of {code(name)}" for name in left_out.windows]
        out += [f"that follows a record for which {code(flag)} is true" for flag in left_out.flags]
        said.append(f"Time {list_words(out, 'or')} is in neither.")
    return " ".join(said)


def _rounding_words(kpi: Kpi, measure: Ratio | ValuedMeasure | TimeShare) -> str:
    """How the result becomes a value, and what is without any record."""
    decimals = "a whole number" if kpi.decimals == 0 else f"{kpi.decimals} decimal{'' if kpi.decimals == 1 else 's'}"
    if kpi.shown_as == "percent" and kpi.decimals:
        decimals += f" (steps of {show_grouped(10 ** (DECIMALS - kpi.decimals), percent=True)})"
    match measure:
        case Sum():
            nothing = "If there is nothing to add up, the value is 0."
        case WeightedMean():
            nothing = "If the weights come to 0, the value is missing."
        case Least() | Greatest() | Percentile() | Mean():
            nothing = "If none of them has that number, the value is missing."
        case _:
            nothing = "If there is nothing to divide by, the value is missing."
    how = _ROUNDED[measure.rounding or Rounding.HALF_UP]
    return f"The result is rounded once, to {decimals}: {how}. {nothing}"
