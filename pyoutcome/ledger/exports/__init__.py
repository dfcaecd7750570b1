"""Books in the formats of other tools, one module each. Nothing heavy loads before a format is written."""

from pyoutcome.ledger.exports.about import About
from pyoutcome.ledger.exports.csv_file import write_csv
from pyoutcome.ledger.exports.writing import FORMATS, write_book

__all__ = ["FORMATS", "About", "write_book", "write_csv"]
