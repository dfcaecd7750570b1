"""The clause kinds: each a model that lowers to formulas and does nothing else."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pyoutcome.terms.clause import ClauseFields, ScopedClause
from pyoutcome.terms.credits import CreditRate, EarnBack, JointCap, Rolling, ServiceCredit
from pyoutcome.terms.grading import BonusMalus, CurveClause, Gate, Item, Rate, Scorecard, StepClause
from pyoutcome.terms.incentives import Gainshare, IncentiveFee, Sharing, Sides
from pyoutcome.terms.pricing import FactorClause, FixedFee, FormulaClause, Milestone, PoolShare, Stage, UnitPrice

__all__ = [
    "AnyClause",
    "BonusMalus",
    "Clause",
    "ClauseFields",
    "CreditRate",
    "CurveClause",
    "EarnBack",
    "FactorClause",
    "FixedFee",
    "FormulaClause",
    "Gainshare",
    "Gate",
    "IncentiveFee",
    "Item",
    "JointCap",
    "Milestone",
    "PoolShare",
    "Rate",
    "Rolling",
    "ScopedClause",
    "Scorecard",
    "ServiceCredit",
    "Sharing",
    "Sides",
    "Stage",
    "StepClause",
    "UnitPrice",
]

AnyClause = (
    FixedFee
    | UnitPrice
    | FactorClause
    | PoolShare
    | Milestone
    | ServiceCredit
    | JointCap
    | CurveClause
    | StepClause
    | BonusMalus
    | Scorecard
    | Gainshare
    | IncentiveFee
    | FormulaClause
)
Clause = Annotated[AnyClause, Field(discriminator="kind")]
"""One pricing rule of the agreement."""
