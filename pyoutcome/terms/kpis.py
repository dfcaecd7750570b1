"""KPIs: the named numbers that prices depend on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from pyoutcome.decimals import DECIMALS, ONE, from_decimal, parse, show, show_grouped
from pyoutcome.errors import AgreementError, PyoutcomeError, did_you_mean
from pyoutcome.formula.rule import KpiShape
from pyoutcome.terms.kpi_spelling import KPI_SHAPE
from pyoutcome.terms.measures import Measure
from pyoutcome.terms.part import Part
from pyoutcome.terms.scalars import Line, Name, Number, Whole, Word, YesNo

MOST_KPIS: Final = 128
"""KPI values one report may carry; a KPI per provider counts once for each."""


class Kpi(Part):
    """One KPI as the file declares it."""

    SHAPE = KPI_SHAPE

    title: Line | None = None
    unit: Line
    per: Literal["agreement", "provider"] = "agreement"
    """``provider``: every provider has its own value, called ``kpi.PROVIDER`` in full."""
    better: Literal["higher", "lower"] | None = None
    """Which way is good for the client."""
    shown_as: Literal["number", "percent"] = "number"
    type: Literal["number", "yes_no"] = "number"
    choices: Annotated[tuple[Name, ...], Field(min_length=1, max_length=255)] | None = None
    """Instead of a number: the labels it can have."""
    decimals: Annotated[Whole, Field(ge=0, le=DECIMALS)] = 0
    range: tuple[Number, Number] | None = None
    """Least and greatest value; a number needs it."""
    except_: Annotated[tuple[Line, ...], Field(alias="except", max_length=20)] = ()
    """Values inside the range that are impossible all the same."""
    outside: Annotated[
        Literal["clamp", "missing"] | None,
        BeforeValidator(
            lambda v: None if v == "refuse" else v, json_schema_input_type=Literal["clamp", "missing", "refuse"]
        ),
    ] = None
    """What a measured value outside the range does: it counts as the nearer end (``clamp``) or as ``missing``, or it
    stops the measurement (``refuse``, which need not be written)."""
    if_missing: Line
    """The value that stands in when there is none; or ``refuse``, or ``last`` for the value of the period before."""
    silence_may_pay: YesNo = False
    """The parties accept that a missing value can pay a provider more than its worst value would."""
    opening: Line | None = None
    """What counts as its value before the first period."""
    supplied_by: Word | None = None
    """Whose evidence it needs: ``client`` or a provider's id. Unless stated, of a KPI per provider its provider, and of
    any other the client."""
    measure: Measure | None = None

    def shape(self, name: str, provider: str | None) -> KpiShape:
        """What the payment rule knows of it."""
        if self.choices is not None:
            plain = KpiShape.choice(name, self.choices, provider)
        elif self.type == "yes_no":
            plain = KpiShape.yes_no(name, provider)
        else:
            low, high = self.range or (0, 0)
            plain = KpiShape(name, low, high, self.decimals, provider)
        return plain if self.opening is None else replace(plain, opening=read_value(plain, self.opening))

    @property
    def stands_in(self) -> bool:
        """Does a value of the agreement stand in for a missing one?"""
        return self.if_missing not in ("refuse", "last")

    def value_of_missing(self, name: str) -> int:
        """The value of a period that settles without evidence, as the payment rule sees it.

        That is ``if_missing``; with ``last`` the opening value (in the first period), with ``refuse`` the worst of the
        range that is possible. AgreementError ``bad-kpi-value``; NumberError.
        """
        shape = self.shape(name, None)
        if self.stands_in:
            return read_value(shape, self.if_missing)
        if self.if_missing == "last" and shape.opening is not None:
            return shape.opening
        step = -shape.multiple if self.better == "lower" else shape.multiple
        worst = shape.high if self.better == "lower" else shape.low
        excluded = self.excluded(name)
        while worst in excluded and shape.low <= worst + step <= shape.high:
            worst += step
        return worst

    def excluded(self, name: str) -> tuple[int, ...]:
        """The values of ``except`` as the payment rule sees them; errors as in ``value_of_missing``."""
        shape = self.shape(name, None)
        return tuple(read_value(shape, each) for each in self.except_)

    def problems(self) -> list[tuple[str, PyoutcomeError]]:
        """What is wrong with it by itself: the key and the error."""
        found: list[tuple[str, PyoutcomeError]] = []
        number = self.choices is None and self.type == "number"
        if self.choices is not None and self.type == "yes_no":
            found.append(
                ("choices", _refuse("A KPI is either yes or no, or one of choices.", "Delete one of the keys."))
            )
        if self.choices is not None and len(set(self.choices)) < len(self.choices):
            found.append(("choices", _refuse("A choice is listed twice.", "List every label once.")))
        if not number and self.range is not None:
            found.append(("range", _refuse("Only a number has a range.", "Delete the key.")))
        if not number and self.outside is not None:
            found.append(("outside", _refuse("Only a number has a range to be outside of.", "Delete the key.")))
        if number and self.range is None:
            found.append((
                "",
                AgreementError(
                    "missing-range",
                    "The KPI has no range, so nobody can know what it may cost.",
                    "Add 'range: [least, greatest]' with the values that are possible at all.",
                ),
            ))  # fmt: skip
        if number and self.range is not None:
            found += self._range_problems(*self.range)
        return found or [*self._value_problems()]

    def _value_problems(self) -> Iterator[tuple[str, PyoutcomeError]]:
        plain = self.model_copy(update={"opening": None}).shape("kpi", None)
        own = {"opening": [self.opening] if self.opening is not None else [], "except": [*self.except_]}
        own["if_missing"] = [self.if_missing] if self.stands_in else []
        values: dict[str, list[int]] = {key: [] for key in own}
        for key, texts in own.items():
            for text in texts:
                try:
                    values[key].append(read_value(plain, text))
                except PyoutcomeError as error:
                    yield key, error
        for key in ("opening", "if_missing"):
            if set(values[key]) & set(values["except"]):
                yield key, _refuse("The value is one of those under 'except'.", "Write one that is possible.")
        if self.if_missing == "last" and self.opening is None:
            yield (
                "if_missing",
                AgreementError(
                    "missing-key",
                    "In the first period there is no last value.",
                    "Add 'opening: ...' with the value that counts then.",
                    key="opening",
                ),
            )

    def _range_problems(self, low: int, high: int) -> list[tuple[str, PyoutcomeError]]:
        if low > high:
            return [("range", _refuse(f"The range starts at {show(low)}, above its end.", "Write the smaller first."))]
        multiple = 10 ** (DECIMALS - self.decimals)
        return [
            ("range", _refuse(f"{show(end)} has more than {self.decimals} decimals.", "Give the KPI more decimals."))
            for end in (low, high)
            if end % multiple
        ]


def _refuse(why: str, fix: str) -> AgreementError:
    return AgreementError("bad-kpi", why, fix)


@dataclass(frozen=True)
class AgreementKpi:
    """One KPI value of every report, in the program's order."""

    name: str
    """Full name, such as ``on_time.UA``."""
    kpi: str
    """Its name in the file, such as ``on_time``."""
    provider: str | None
    """Whose value it is; None for a KPI of the whole agreement."""
    declared: Kpi
    shape: KpiShape
    if_missing: int
    """The value of a period that settles without evidence, as the payment rule sees it (scaled; of yes/no 0 or 1); with
    ``if_missing: last`` that of a first period."""

    @property
    def supplier(self) -> str | None:
        """Id of the provider whose evidence it needs; None for the client."""
        stated = self.declared.supplied_by
        return self.provider if stated is None else None if stated == "client" else stated

    @property
    def title(self) -> str:
        """What people call it."""
        return self.declared.title or self.kpi.replace("_", " ").capitalize()

    @property
    def decimals(self) -> int:
        """Decimals of its values; of a choice 0, of yes/no 18 (the values 0 and 1 are not scaled)."""
        return self.shape.decimals

    @property
    def low(self) -> int:
        """Least value as the payment rule sees it."""
        return self.shape.low

    @property
    def high(self) -> int:
        """Greatest value as the payment rule sees it."""
        return self.shape.high

    @property
    def may_be_missing(self) -> bool:
        """A report may mark it missing: the agreement has a value that stands in."""
        return self.declared.if_missing != "refuse"

    @property
    def takes_last(self) -> bool:
        """Does the value of the period before stand in for a missing one?"""
        return self.declared.if_missing == "last"

    @property
    def given_if_missing(self) -> int:
        """What an escrow gives its program for a missing value: where that of the period before stands in, the number
        one step below the least, which no report can give."""
        return self.low - self.shape.multiple if self.takes_last else self.if_missing

    def read(self, value: Any) -> int:
        """A reported value as the payment rule sees it; errors as ``read_value``."""
        scaled = read_value(self.shape, value)
        if scaled in self.declared.excluded(self.kpi):
            raise AgreementError(
                "bad-kpi-value",
                f"The agreement excludes {self.show(scaled)} as a value of {self.name}.",
                "Correct the value, or 'except' in the agreement.",
                kpi=self.name,
            )
        return scaled

    def show(self, value: int) -> str:
        """A value for people: with its decimals, as percent, yes or no, or label."""
        return show_value(self.shape, value, percent=self.declared.shown_as == "percent")

    def tell(self, value: int) -> str:
        """As ``show``, with thousands separators."""
        if self.shape.type != "number":
            return self.show(value)
        return show_grouped(value, self.shape.decimals, percent=self.declared.shown_as == "percent")


def show_value(shape: KpiShape, value: int, *, percent: bool = False) -> str:
    """A KPI value for people."""
    if shape.type == "yes_no":
        return "yes" if value else "no"
    if shape.type == "choice":
        position = value // ONE
        return shape.labels[position - 1] if 1 <= position <= len(shape.labels) else show(value)
    if percent:
        return f"{show(value * 100, max(0, shape.decimals - 2))}%"
    return show(value, shape.decimals)


def read_value(shape: KpiShape, value: Any) -> int:
    """A KPI value as the payment rule sees it, from text, Decimal, bool or an already scaled integer.

    Raises AgreementError ``bad-kpi-value`` (outside the range, too fine, not a label) and NumberError.
    """
    if shape.type == "choice" and isinstance(value, str):
        if value not in shape.labels:
            raise AgreementError(
                "bad-kpi-value", f"{value[:60]!r} is no label of {shape.full_name}.", did_you_mean(value, shape.labels)
            )
        return (shape.labels.index(value) + 1) * ONE
    if shape.type == "yes_no" and isinstance(value, str | bool):
        if value not in ("yes", "no", True, False):
            raise AgreementError("bad-kpi-value", f"{str(value)[:60]!r} is neither yes nor no.", "Write yes or no.")
        return int(value in ("yes", True))
    if isinstance(value, Decimal):
        scaled = from_decimal(value)
    elif type(value) is int:
        scaled = value
    elif isinstance(value, str):
        scaled = parse(value)
    else:
        raise AgreementError(
            "bad-kpi-value",
            f"{shape.full_name} cannot be given as {type(value).__name__}.",
            "Give a Decimal, a text, a scaled integer, or None for a missing value.",
        )
    if not shape.low <= scaled <= shape.high:
        raise AgreementError(
            "bad-kpi-value",
            f"{show_value(shape, scaled)} is outside the range of {shape.full_name}, "
            f"{show_value(shape, shape.low)} to {show_value(shape, shape.high)}.",
            "Correct the value, or the range in the agreement.",
            kpi=shape.full_name,
        )
    if scaled % shape.multiple:
        raise AgreementError(
            "bad-kpi-value",
            f"{show(scaled)} has more than the {shape.decimals} decimals of {shape.full_name}.",
            "Round it to the KPI's decimals as the agreement says.",
            kpi=shape.full_name,
        )
    return scaled
