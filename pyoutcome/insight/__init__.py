"""Pictures of what an agreement pays."""

from pyoutcome.insight.payments import Plot, draw_payments, save_payments

__all__ = ["Plot", "draw_payments", "save_payments"]
