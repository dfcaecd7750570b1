"""Formula text to syntax tree: precedence climbing over the grammar of ``docs/language.md``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NoReturn

from pyoutcome.decimals import Rounding
from pyoutcome.decimals import parse as parse_number
from pyoutcome.errors import FormulaError, NumberError, Where, did_you_mean
from pyoutcome.formula import syntax as s
from pyoutcome.formula.remedies import FORMS, misplaced_word
from pyoutcome.formula.tokens import MODES, OPERATORS, RESERVED, TABLE_WORDS, Token, refuse, tokenize

_OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _SIGN = range(1, 8)
_BINDS: Final = {
    "or": _OR,
    "and": _AND,
    **{relation.value: _COMPARE for relation in s.Relation},
    "+": _SUM,
    "-": _SUM,
    "*": _PRODUCT,
    "/": _PRODUCT,
}
_NESTED: Final = 100
"""Expressions open at once while reading: a bound on the reader's own stack."""


def parse(text: str, where: Where | None = None) -> s.Formula:
    """The tree of a formula text.

    Raises FormulaError ``formula-syntax``, ``formula-number``, ``formula-too-long`` or ``formula-too-deep``; ``where``
    is the place of the text in the agreement file and is handed on with the error.
    """
    reader = _Reader(text, where)
    tree = reader.whole()
    try:
        s.refuse_depth(tree)
    except FormulaError as problem:
        problem.where = where
        raise
    return tree


class _Reader:
    def __init__(self, text: str, where: Where | None) -> None:
        self.text = text
        self.where = where
        self.tokens = tokenize(text, where)
        self.at = 0
        self.open = 0
        self.calls: list[str] = []
        """The operations and tables that are being read, the innermost last."""

    @property
    def here(self) -> Token:
        return self.tokens[self.at]

    def refuse(self, why: str, fix: str, token: Token | None = None) -> NoReturn:
        refuse(self.text, (token or self.here).start, why, fix, self.where)

    def take(self) -> Token:
        token = self.here
        self.at += 1
        return token

    def accept(self, text: str) -> bool:
        if self.here.text == text and self.here.kind != "end":
            self.at += 1
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.accept(text):
            found = f"not {self.here.text!r}" if self.here.text else "but the formula ends"
            fix = f"Write {text!r} here, or check the brackets before."
            if self.calls:
                fix = f"Write it such as {FORMS[self.calls[-1]]}."
            elif text == "else":
                fix = "Say what holds otherwise: 'a if condition else b'."
            self.refuse(f"Here {text!r} is expected, {found}.", fix)

    def span(self, start: int) -> s.Span:
        return start, self.tokens[self.at - 1].end

    def whole(self) -> s.Node:
        tree = self.formula()
        if self.here.kind != "end":
            before = self.tokens[self.at - 1]
            if self.here.text == "(" and before.kind == "name":
                operation = did_you_mean(before.text.lower(), FORMS)
                self.refuse(f"{before.text!r} is no operation of the language.", operation, before)
            fix = misplaced_word(before, self.here) or "Put an operator between, or remove the rest."
            self.refuse(f"{self.here.text!r} cannot follow a finished formula.", fix)
        return tree

    def formula(self) -> s.Node:
        start = self.here.start
        then = self.expression(_OR)
        if not self.accept("if"):
            return then
        condition = self.expression(_OR)
        self.expect("else")
        self.deeper()
        otherwise = self.formula()
        self.open -= 1
        return s.If(condition, then, otherwise, span=self.span(start))

    def deeper(self) -> None:
        self.open += 1
        if self.open > _NESTED:
            raise FormulaError(
                "formula-too-deep",
                f"The formula has more than {_NESTED} brackets and operations open at once.",
                "Give its parts names with 'define' and use the names.",
                where=self.where,
            )

    def expression(self, least: int) -> s.Node:
        self.deeper()
        start = self.here.start
        left = self.prefix(least)
        while self.here.kind != "number" and (binds := _BINDS.get(self.here.text, 0)) >= least:
            sign = self.take()
            right = self.expression(binds + 1)
            left = self.joined(sign.text, left, right, self.span(start))
            if binds == _COMPARE and _BINDS.get(self.here.text) == _COMPARE:
                self.refuse("Comparisons cannot be chained.", "Write 'a < b and b < c'.")
        self.open -= 1
        return left

    @staticmethod
    def joined(sign: str, left: s.Node, right: s.Node, span: s.Span) -> s.Node:
        match sign:
            case "or":
                return s.Or(left, right, span=span)
            case "and":
                return s.And(left, right, span=span)
            case "+":
                return s.Plus(left, right, span=span)
            case "-":
                return s.Minus(left, right, span=span)
            case "*":
                return s.product((left, right), span=span)
            case "/":
                return s.product((left,), (right,), span=span)
            case _:
                return s.Compare(s.Relation(sign), left, right, span=span)

    def prefix(self, least: int) -> s.Node:
        token = self.here
        if token.text == "-":
            self.take()
            operand = self.expression(_SIGN)
            return s.negate(operand, self.span(token.start))
        if token.text == "not":
            if least > _NOT:
                self.refuse("'not' cannot stand here.", "Put brackets around it: (not x).")
            self.take()
            return s.Not(self.expression(_NOT), span=self.span(token.start))
        return self.atom()

    def atom(self) -> s.Node:
        token = self.take()
        if token.kind == "number":
            return self.number(token)
        if token.text == "(":
            inner = self.formula()
            self.expect(")")
            return inner
        if token.text in ("yes", "no"):
            return s.Truth(token.text == "yes", span=(token.start, token.end))
        if token.text in _CALLS:
            self.calls.append(token.text)
            self.expect("(")
            node = _CALLS[token.text](self, token)
            self.expect(")")
            self.calls.pop()
            return node
        if token.kind == "name":
            return s.Name(self.checked_name(token), span=(token.start, token.end))
        self.at -= 1
        return self.refuse_value(token)

    def refuse_value(self, token: Token) -> NoReturn:
        """There is no value where one must be."""
        found = repr(token.text) if token.text else "the end of the formula"
        fix = "Write a number, a name or an operation here."
        if token.text == "if":
            fix = "Write the value first: 'a if condition else b'."
        elif token.text == "*" and self.at and self.tokens[self.at - 1].text == "*":
            fix = "There are no powers: write the product, such as x * x."
        elif self.calls:
            fix = f"Write it such as {FORMS[self.calls[-1]]}."
        self.refuse(f"A value is expected here, not {found}.", fix, token)

    def number(self, token: Token) -> s.Number:
        try:
            return s.Number(parse_number(token.text), token.text, span=(token.start, token.end))
        except NumberError as problem:
            refuse(self.text, token.start, problem.why, problem.fix, self.where, "formula-number")

    def checked_name(self, token: Token) -> str:
        words = token.text.split(".")
        alone = {"period", "year", "period_of_year", "earned_before"}
        before = {"prev", "to_date", "total", "earned_before"}
        known = (token.text in alone) or (words[0] in before and len(words) > 1) or words[0] not in RESERVED
        if not known and token.text in OPERATORS | TABLE_WORDS:
            self.at -= 1
            self.refuse_value(token)
        if not known:
            self.refuse(f"{token.text!r} is a word of the language, not a name.", "Use another name.", token)
        return token.text

    def plain_name(self) -> str:
        token = self.take()
        if token.kind != "name" or token.text.split(".")[0] in RESERVED:
            self.refuse(f"A name is expected here, not {token.text!r}.", "Name a KPI, line or value.", token)
        return token.text

    def row_word(self, allowed: tuple[str, ...]) -> str:
        token = self.take()
        if token.text not in allowed:
            fix = did_you_mean(token.text, allowed)
            if self.calls and not fix.startswith("Did"):
                fix = f"Write it such as {FORMS[self.calls[-1]]}."
            self.refuse(f"A row cannot start with {token.text!r}.", fix, token)
        return token.text

    def value(self) -> s.Node:
        """A row's edge or point: a sum, so that the words of the table stay visible."""
        return self.expression(_SUM)

    def least_or_greatest(self, token: Token) -> s.Node:
        operands = [self.formula()]
        self.expect(",")
        operands.append(self.formula())
        while self.accept(","):
            operands.append(self.formula())
        kind = s.Min if token.text == "min" else s.Max
        return kind(tuple(operands), span=self.closed(token))

    def closed(self, token: Token) -> s.Span:
        return token.start, self.here.end

    def clamp_or_outside(self, token: Token) -> s.Node:
        of = self.formula()
        self.expect(",")
        low = self.formula()
        self.expect(",")
        high = self.formula()
        kind = s.Clamp if token.text == "clamp" else s.Outside
        return kind(of, low, high, span=self.closed(token))

    def absolute(self, token: Token) -> s.Node:
        return s.Abs(self.formula(), span=self.closed(token))

    def rounded(self, token: Token) -> s.Node:
        of = self.formula()
        self.expect(",")
        step = self.value()
        self.expect(",")
        mode = self.take()
        if mode.text not in MODES:
            self.refuse(f"{mode.text!r} is not a way to round.", did_you_mean(mode.text, MODES), mode)
        return s.Round(of, step, Rounding(mode.text), span=self.closed(token))

    def history(self, token: Token) -> s.Node:
        name = self.plain_name()
        self.expect(",")
        whole = self.take()
        if whole.kind != "number" or not whole.text.isdigit() or not 1 <= len(whole.text) <= 3 or int(whole.text) == 0:
            self.refuse("A number of periods is a whole number from 1 to 999.", "Write for example 12.", whole)
        kind = s.SumLast if token.text == "sum_last" else s.Lag
        return kind(name, int(whole.text), span=self.closed(token))

    def step(self, token: Token) -> s.Node:
        of = self.formula()
        self.expect(",")
        self.expect("[")
        rows: list[s.StepRow] = []
        words = (*(edge.value for edge in s.Edge), "otherwise")
        while (start := self.here.start, word := self.row_word(words))[1] != "otherwise":
            at = self.value()
            self.expect("gives")
            rows.append(s.StepRow(s.Edge(word), at, self.formula(), span=self.span(start)))
            self.expect(",")
        otherwise = self.formula()
        self.expect("]")
        if not rows:
            self.refuse("A step table needs a row before 'otherwise'.", "Add a row, or write the value alone.", token)
        return s.Step(of, tuple(rows), otherwise, span=self.closed(token))

    def pick(self, token: Token) -> s.Node:
        start = self.here
        earlier = start.kind == "name" and start.text.startswith("prev.")
        choice = s.Name(self.take().text if earlier else self.plain_name(), span=(start.start, start.end))
        self.expect(",")
        self.expect("[")
        rows: list[s.PickRow] = []
        otherwise: s.Node | None = None
        while True:
            begin = self.here.start
            if rows and self.accept("otherwise"):
                otherwise = self.formula()
                break
            label = self.plain_name()
            self.expect("gives")
            rows.append(s.PickRow(label, self.formula(), span=self.span(begin)))
            if not self.accept(","):
                break
        self.expect("]")
        return s.Pick(choice, tuple(rows), otherwise, span=self.closed(token))

    def bands(self, token: Token) -> s.Node:
        of = self.formula()
        self.expect(",")
        self.expect("[")
        rows: list[s.BandRow] = []
        while (start := self.here.start, word := self.row_word(("upto", "next", "rest")))[1] != "rest":
            to = self.value()
            self.expect("at")
            rows.append(s.BandRow(word == "next", to, self.formula(), span=self.span(start)))
            self.expect(",")
        self.expect("at")
        rest = self.formula()
        self.expect("]")
        return s.Bands(of, tuple(rows), rest, span=self.closed(token))

    def curve(self, token: Token) -> s.Node:
        of = self.formula()
        self.expect(",")
        self.expect("[")
        points = [self.point()]
        self.expect(",")
        points.append(self.point())
        while self.accept(","):
            points.append(self.point())
        self.expect("]")
        return s.Curve(of, tuple(points), span=self.closed(token))

    def point(self) -> s.Point:
        start = self.here.start
        x = self.value()
        self.expect("gives")
        return s.Point(x, self.value(), span=self.span(start))


_CALLS: Final[dict[str, Callable[[_Reader, Token], s.Node]]] = {
    "min": _Reader.least_or_greatest,
    "max": _Reader.least_or_greatest,
    "clamp": _Reader.clamp_or_outside,
    "outside": _Reader.clamp_or_outside,
    "abs": _Reader.absolute,
    "round": _Reader.rounded,
    "sum_last": _Reader.history,
    "lag": _Reader.history,
    "step": _Reader.step,
    "pick": _Reader.pick,
    "bands": _Reader.bands,
    "curve": _Reader.curve,
}
