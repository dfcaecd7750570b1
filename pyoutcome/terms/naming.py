"""What the legal text calls the things that formulas name."""

from __future__ import annotations

from collections.abc import Iterator

from pyoutcome.decimals import show
from pyoutcome.terms.file import AgreementFile


def plain_words(name: str) -> str:
    """A name with spaces and a capital."""
    return name.replace("_", " ").capitalize()


def titles(file: AgreementFile) -> Iterator[tuple[str, str, str]]:
    """Section, name and title of everything a formula can name."""
    for name, kpi in file.kpis.items():
        yield "kpis", name, kpi.title or plain_words(name)
    for name in file.terms:
        yield "terms", name, plain_words(name)
    for name in file.define:
        yield "define", name, plain_words(name)
    for name, clause in file.clauses.items():
        yield "clauses", name, clause.title or plain_words(name)


class Naming:
    """Says names: titles in quotation marks, terms with their value."""

    def __init__(self, file: AgreementFile) -> None:
        self._file = file
        self._titles = {name: title for _, name, title in titles(file)}

    def title(self, name: str) -> str:
        """The title of something the file names."""
        return self._titles[name]

    def say(self, name: str) -> str:
        """The words for a name of the file, or for one provider's value of it."""
        own, _, provider = name.partition(".")
        if own in self._file.terms and not provider:
            return f'"{self._titles[own]}" ({show(self._file.terms[own])})'
        if own not in self._titles:
            return name
        title = f'"{self._titles[own]}"'
        return f"{title} of {provider}" if provider else title
