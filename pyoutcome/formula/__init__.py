"""The payment language: formulas read, checked, evaluated, bounded, said in words, and written as programs."""

from pyoutcome.formula.bounds import TermBounds, bounds, bounds_over
from pyoutcome.formula.decode import Names, decode
from pyoutcome.formula.encode import Program, encode, program_hash
from pyoutcome.formula.evaluate import Note, Outcome, Step, evaluate, evaluate_all, explain, start_state
from pyoutcome.formula.machine import Result, begin, run
from pyoutcome.formula.parser import parse
from pyoutcome.formula.printer import to_text
from pyoutcome.formula.rule import Definition, KpiShape, Line, Payee, Register, Rule, net_of, sums_of_quotients, unused
from pyoutcome.formula.rule_words import Sentence, rule_to_words
from pyoutcome.formula.state import State
from pyoutcome.formula.syntax import Formula, Node, names, negate, product, rename, walk
from pyoutcome.formula.verify import Shape, verify
from pyoutcome.formula.words import to_words

__all__ = [
    "Definition",
    "Formula",
    "KpiShape",
    "Line",
    "Names",
    "Node",
    "Note",
    "Outcome",
    "Payee",
    "Program",
    "Register",
    "Result",
    "Rule",
    "Sentence",
    "Shape",
    "State",
    "Step",
    "TermBounds",
    "begin",
    "bounds",
    "bounds_over",
    "decode",
    "encode",
    "evaluate",
    "evaluate_all",
    "explain",
    "names",
    "negate",
    "net_of",
    "parse",
    "product",
    "program_hash",
    "rename",
    "rule_to_words",
    "run",
    "start_state",
    "sums_of_quotients",
    "to_text",
    "to_words",
    "unused",
    "verify",
    "walk",
]
