"""The canonical form as a model of Concerto, the schema language of the Accord Project; agreements as its instances.

The model is made of the canonical form's JSON Schema, and the instances by the same walk, so neither can say what the
other does not. Concerto has no maps whose values are checked, no tuples, and no unions with texts, so

- a map is a list of entries: a concept with the key as ``id``, and the value's own fields or a ``value``,
- a pair is a concept with ``first`` and ``second``,
- where a text or something else may stand is a concept of which one field is given: ``text``, ``part`` or ``rows``.

Every number is a String whose validator admits exact decimals only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from pyoutcome.terms.canonical import FORMAT
from pyoutcome.terms.schema import write_terms_schema
from pyoutcome.terms.spelling import REF, Json

NAMESPACE: Final = f"org.pyoutcome.terms@{FORMAT.rpartition(' ')[2]}.0.0"
LANGUAGE: Final = "^5.0.0"
ROOT: Final = "Agreement"
_CLASS: Final = "$class"


def write_model() -> str:
    """The model as a .cto file."""
    head = [
        f'concerto version "{LANGUAGE}"',
        "",
        f"// The terms of a pyoutcome agreement in their canonical form ({FORMAT}).",
        f"namespace {NAMESPACE}",
    ]
    return "\n".join([*head, *(line for each in _model().declared.values() for line in ["", *each])]) + "\n"


def write_instance(canonical: bytes) -> Json:
    """The instance of the model that an agreement's canonical JSON is."""
    written: Json = _model().root.convert(json.loads(canonical))
    return written


@dataclass(frozen=True)
class _Type:
    """A type of the model: how a field names it, and how a canonical value becomes one."""

    name: str
    convert: Callable[[Any], Any]
    plain: bool = False
    """The value is a text."""
    rule: str = ""
    """A validator of the field itself."""
    concept: bool = False


@cache
def _model() -> _Model:
    return _Model(write_terms_schema())


def _same(value: Any) -> Any:
    return value


class _Model:
    def __init__(self, schema: Json) -> None:
        self.definitions: Json = schema["$defs"]
        self.declared: dict[str, list[str]] = {}
        self._known: dict[str, _Type] = {}
        self._owner = ""
        """The concept whose fields are being read."""
        self.root = self._concept(ROOT, schema)

    def _read(self, schema: Json, hint: str) -> _Type:
        """The type of a schema; ``hint`` names what has no name of its own."""
        if "$ref" in schema:
            return self._named(schema["$ref"].removeprefix(REF))
        if "prefixItems" in schema:
            return self._pair(self._read(schema["prefixItems"][0], hint))
        if schema.get("type") == "array":
            item = self._read(schema["items"], hint.removesuffix("s"))
            return _Type(f"{item.name}[]", lambda value: [item.convert(each) for each in value])
        if "additionalProperties" in schema and "properties" not in schema:
            return self._entries(schema, hint)
        choices = schema.get("oneOf") or schema.get("anyOf")
        if choices:
            kinds = [self.definitions[each["$ref"].removeprefix(REF)] for each in choices if "$ref" in each]
            by_kind = len(kinds) == len(choices) and all("kind" in each.get("properties", {}) for each in kinds)
            return self._kinds(choices, hint) if by_kind else self._one_of(choices, hint)
        return self._text(schema, hint)

    def _named(self, name: str) -> _Type:
        if name not in self._known:
            schema = self.definitions[name]
            self._known[name] = (
                self._concept(name, schema)
                if "properties" in schema
                else self._text(schema, name, schema.get("description"))
            )
        return self._known[name]

    def _text(self, schema: Json, hint: str, told: str | None = None) -> _Type:
        """A scalar or an enumeration of its own, or a String with its validator."""
        if "enum" in schema:
            labels = [f"  o {each}" for each in schema["enum"]]
            return _Type(self._declare(hint, lambda own: [f"enum {own} {{", *labels, "}"], told), _same, plain=True)
        if "const" in schema:
            return _Type(
                "String", _same, plain=True, rule=f" regex=/^{re.escape(schema['const']).replace(chr(92) + ' ', ' ')}$/"
            )
        rule = f" length=[{schema['minLength']},]" if "minLength" in schema else ""
        if "pattern" in schema:
            rule = f" regex=/{schema['pattern'].replace('/', chr(92) + '/')}/"
        return _Type(self._declare(hint, lambda own: [f"scalar {own} extends String{rule}"], told), _same, plain=True)

    def _pair(self, item: _Type) -> _Type:
        fields = {"first": (item, False), "second": (item, False)}
        return self._declare_concept(
            f"{item.name}Pair", fields, convert=lambda pair: dict(zip(fields, pair, strict=True))
        )

    def _entries(self, schema: Json, hint: str) -> _Type:
        """A map as the list of its entries."""
        key = self._read(schema.get("propertyNames", {"type": "string"}), f"{hint}Key")
        held = schema["additionalProperties"]
        name = held.get("$ref", "").removeprefix(REF)
        model = self.definitions.get(name, {})
        if "properties" in model:
            listed = {
                **model,
                "properties": {"id": schema["propertyNames"], **model["properties"]},
                "required": [*model.get("required", ()), "id"],
            }
            entry = self._concept(name, listed, convert=lambda pair: {"id": pair[0], **pair[1]})
        else:
            value = self._read(held, hint.removesuffix("s"))
            entry = self._declare_concept(
                f"{hint.removesuffix('s')}Entry",
                {"id": (key, False), "value": (value, False)},
                convert=lambda pair: {"id": pair[0], "value": pair[1]},
            )
        return _Type(f"{entry.name}[]", lambda held: [entry.convert(pair) for pair in held.items()])

    def _kinds(self, choices: Iterable[Json], hint: str) -> _Type:
        """Concepts told apart by ``kind``, as those that extend an abstract one."""
        parent = self._declare(hint, lambda own: [f"abstract concept {own} {{", "}"], None)
        kinds: dict[str, _Type] = {}
        for each in choices:
            name = each["$ref"].removeprefix(REF)
            kinds[self.definitions[name]["properties"]["kind"]["const"]] = self._known[name] = self._concept(
                name, self.definitions[name], parent
            )
        return _Type(parent, lambda value: kinds[value["kind"]].convert(value))

    def _one_of(self, choices: Iterable[Json], hint: str) -> _Type:
        """A text or something else, as a concept of which one field is given."""
        fields: dict[str, tuple[_Type, bool]] = {}
        for each in choices:
            found = self._read(each, hint)
            key = "text" if found.plain else "part" if found.concept else "rows"
            fields[key] = (found, True)

        def convert(value: Any) -> Json:
            return {"text" if isinstance(value, str) else "part" if isinstance(value, dict) else "rows": value}

        return self._declare_concept(hint, fields, convert=convert)

    def _concept(self, name: str, schema: Json, parent: str = "", convert: Callable[[Any], Json] = _same) -> _Type:
        """A map with known keys."""
        required = schema.get("required", ())
        fields = {}
        told = {}
        outer, self._owner = self._owner, name
        for key, value in schema["properties"].items():
            hint = "".join(word.capitalize() for word in key.split("_"))
            fields[key] = (self._read(value, hint), key not in required)
            told[key] = value.get("description", "")
            self._owner = name
        self._owner = outer
        return self._declare_concept(name, fields, told, schema.get("description"), parent, convert)

    def _declare_concept(
        self,
        name: str,
        fields: Mapping[str, tuple[_Type, bool]],
        told: Mapping[str, str] | None = None,
        description: str | None = None,
        parent: str = "",
        convert: Callable[[Any], Json] = _same,
    ) -> _Type:
        lines: list[str] = []
        for key, (kind, optional) in fields.items():
            lines += _comment((told or {}).get(key), "  ")
            lines.append(f"  o {kind.name} {key}{kind.rule}{' optional' if optional else ''}")
        extends = f" extends {parent}" if parent else ""
        own = self._declare(name, lambda own: [f"concept {own}{extends} {{", *lines, "}"], description)

        def written(value: Any) -> Json:
            held = convert(value)
            return {_CLASS: f"{NAMESPACE}.{own}", **{key: fields[key][0].convert(each) for key, each in held.items()}}

        return _Type(own, written, concept=True)

    def _declare(self, name: str, write: Callable[[str], list[str]], description: str | None) -> str:
        """Declare something under its name, or, where that means something else already, with its owner's before it."""
        for own in (name, f"{self._owner}{name}"):
            made = [*_comment(description, ""), *write(own)]
            if self.declared.setdefault(own, made) == made:
                return own
        raise AssertionError(f"two things of the model are called {self._owner}{name}")


def _comment(text: str | None, indent: str) -> list[str]:
    return [f"{indent}// {' '.join(text.split())}"] if text else []
