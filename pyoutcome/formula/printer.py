"""Syntax tree to canonical formula text: ``parse(to_text(tree)) == tree``."""

from __future__ import annotations

from pyoutcome.decimals import show
from pyoutcome.formula import syntax as s

_IF, _OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _SIGN, _ATOM = range(9)


def to_text(node: s.Node) -> str:
    """The shortest usual way to write the formula: single spaces, only the brackets it needs, plain decimals."""
    return _text(node, _IF)


def _text(node: s.Node, least: int = _IF) -> str:
    level, text = _written(node)
    return text if level >= least else f"({text})"


def _list(nodes: tuple[s.Node, ...]) -> str:
    return ", ".join(map(_text, nodes))


def _written(node: s.Node) -> tuple[int, str]:  # noqa: C901 - one case per kind of node
    match node:
        case s.Number():
            return (_SIGN if node.value < 0 else _ATOM), show(node.value)
        case s.Truth():
            return _ATOM, "yes" if node.value else "no"
        case s.Name():
            return _ATOM, node.name
        case s.Neg():
            return _SIGN, f"-{_text(node.operand, _SIGN)}"
        case s.Not():
            return _NOT, f"not {_text(node.operand, _NOT)}"
        case s.Abs():
            return _ATOM, f"abs({_text(node.operand, _IF)})"
        case s.Plus():
            return _SUM, f"{_text(node.left, _SUM)} + {_text(node.right, _PRODUCT)}"
        case s.Minus():
            return _SUM, f"{_text(node.left, _SUM)} - {_text(node.right, _PRODUCT)}"
        case s.Product():
            above = " * ".join(_text(factor, _SIGN) for factor in node.factors)
            return _PRODUCT, " / ".join([above, *(_text(divisor, _SIGN) for divisor in node.divisors)])
        case s.Compare():
            return _COMPARE, f"{_text(node.left, _SUM)} {node.relation} {_text(node.right, _SUM)}"
        case s.And():
            return _AND, f"{_text(node.left, _AND)} and {_text(node.right, _NOT)}"
        case s.Or():
            return _OR, f"{_text(node.left, _OR)} or {_text(node.right, _AND)}"
        case s.If():
            condition = _text(node.condition, _OR)
            return _IF, f"{_text(node.then, _OR)} if {condition} else {_text(node.otherwise, _IF)}"
        case s.Min():
            return _ATOM, f"min({_list(node.operands)})"
        case s.Max():
            return _ATOM, f"max({_list(node.operands)})"
        case s.Clamp():
            return _ATOM, f"clamp({_list((node.of, node.low, node.high))})"
        case s.Outside():
            return _ATOM, f"outside({_list((node.of, node.low, node.high))})"
        case s.Round():
            return _ATOM, f"round({_text(node.of, _IF)}, {_text(node.step, _SUM)}, {node.mode})"
        case s.SumLast():
            return _ATOM, f"sum_last({node.name}, {node.periods})"
        case s.Lag():
            return _ATOM, f"lag({node.name}, {node.periods})"
        case s.Step():
            rows = [f"{row.edge} {_text(row.at, _SUM)} gives {_text(row.value, _IF)}" for row in node.rows]
            rows.append(f"otherwise {_text(node.otherwise, _IF)}")
            return _ATOM, f"step({_text(node.of, _IF)}, [{', '.join(rows)}])"
        case s.Pick():
            rows = [f"{row.label} gives {_text(row.value, _IF)}" for row in node.rows]
            if node.otherwise is not None:
                rows.append(f"otherwise {_text(node.otherwise, _IF)}")
            return _ATOM, f"pick({node.choice.name}, [{', '.join(rows)}])"
        case s.Bands():
            rows = [
                f"{'next' if row.is_width else 'upto'} {_text(row.to, _SUM)} at {_text(row.rate, _IF)}"
                for row in node.rows
            ]
            rows.append(f"rest at {_text(node.rest, _IF)}")
            return _ATOM, f"bands({_text(node.of, _IF)}, [{', '.join(rows)}])"
        case s.Curve():
            rows = [f"{_text(point.x, _SUM)} gives {_text(point.y, _SUM)}" for point in node.points]
            return _ATOM, f"curve({_text(node.of, _IF)}, [{', '.join(rows)}])"
        case _:
            raise TypeError(f"{type(node).__name__} is not a formula by itself")
