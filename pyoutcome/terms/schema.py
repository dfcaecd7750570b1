"""JSON Schema (2020-12) of the agreement file and of its canonical form, made of the models that read and write."""

from __future__ import annotations

import ast
import inspect
import json
import sys
from collections.abc import Callable, Mapping
from functools import cache
from itertools import pairwise
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, NoDefault
from pydantic_core import core_schema

from pyoutcome.terms import spelling, table_spelling
from pyoutcome.terms.canonical import FORMAT, LISTED
from pyoutcome.terms.file import RULE_DEFAULTS, AgreementFile
from pyoutcome.terms.part import Part
from pyoutcome.terms.spelling import MARK, REF, Json, Spelled, one_way, spelled

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_SPELLINGS: Final = {
    each.name: each for room in (spelling, table_spelling) for each in vars(room).values() if isinstance(each, Spelled)
}


def schema_of(model: type[BaseModel], title: str, mode: JsonSchemaMode = "validation") -> Json:
    """The schema of what a model reads, or (``serialization``) of what it writes without the values that are None."""
    made = model.model_json_schema(schema_generator=_Generator, mode=mode)
    own = {name.removeprefix("_"): each for name, each in made.pop("$defs", {}).items()}
    named: Json = {}
    made, own = _put_in(made, named, mode), _put_in(own, named, mode)
    definitions = {**own, **named}
    return {
        "$schema": DIALECT,
        "title": title,
        **{key: value for key, value in made.items() if key != "title"},
        **({"$defs": {name: definitions[name] for name in sorted(definitions)}} if definitions else {}),
    }


def write_file_schema() -> Json:
    """What an agreement file may hold, as an editor's YAML 1.2 reader sees it.

    A file that the loader reads is valid, if its values are spelled plainly; one that is valid may still be refused for
    what it means: names, formulas, amounts, and how its parts fit together.
    """
    schema = schema_of(AgreementFile, "pyoutcome agreement file")
    said: Json = _say_forms(_let_rules_be_short(schema))
    return said


def write_terms_schema() -> Json:
    """The canonical form that is hashed: every default written out, every number a text, what is not there left out."""
    schema = schema_of(AgreementFile, "pyoutcome agreement, canonical form", "serialization")
    definitions = schema["$defs"]
    for way in LISTED:
        place = schema
        for name in way[:-1]:
            place = definitions[place["properties"][name]["$ref"].removeprefix(REF)]
        held, place["properties"][way[-1]] = place["properties"][way[-1]], {}
        place["properties"][way[-1]] = _listed(held, schema)
    whole = spelled("Instant")
    definitions["Instant"] = spelling.text("0|-?[1-9][0-9]{0,11}", "An instant: seconds since 1970 in UTC.")
    window = definitions["Window"]
    window["properties"] |= {"starts": whole, "ends": whole}
    window["required"] = sorted([*window["required"], "starts", "ends"])
    schema["properties"] |= {
        "format": {"const": FORMAT, "description": "Names this form and the meaning of everything in it."},
        "starts": whole | {"description": "When the first period starts."},
        "ends": {"type": "array", "items": whole, "minItems": 1, "description": "When each period ends."},
    }
    schema["required"] = sorted([*schema["required"], "format", "starts", "ends"])
    schema["$defs"] = {name: definitions[name] for name in sorted(definitions)}
    return schema


class _Generator(GenerateJsonSchema):
    """pydantic's own, but for what is None (which stands for a key that is not there), defaults and descriptions."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - titles would repeat the keys
        return False

    def field_is_required(self, field: Any, total: bool) -> bool:
        if self.mode == "serialization":
            return not (field["schema"]["type"] == "default" and field["schema"].get("default", ...) is None)
        return super().field_is_required(field, total)

    def get_default_value(self, schema: core_schema.WithDefaultSchema) -> Any:
        """The default as it would be written; what is written has none, for it is always there."""
        default = super().get_default_value(schema)
        if default is None or default is NoDefault or self.mode == "serialization":
            return NoDefault
        write = _writer(schema["schema"])
        return default if write is None else write(default)

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> Json:
        found = super().default_schema(schema)
        return _without_null(found) if schema.get("default", ...) is None else found

    def model_schema(self, schema: core_schema.ModelSchema) -> Json:
        found = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        _describe(model, found)
        if self.mode == "validation" and issubclass(model, Part):
            _demand(model, found)
        return found

    def dict_schema(self, schema: core_schema.DictSchema) -> Json:
        """With what its keys may be, where they are spelled in a way of their own."""
        found = super().dict_schema(schema)
        keys = self.generate_inner(schema["keys_schema"]) if "keys_schema" in schema else {}
        return found | ({"propertyNames": keys} if MARK in keys else {})

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> Json:
        """Each kind says its own ``kind``; the keyword ``discriminator`` is none of JSON Schema."""
        found = super().tagged_union_schema(schema)
        found.pop("discriminator", None)
        return found


def _writer(core: Any) -> Callable[[Any], Any] | None:
    """What writes a value of a core schema as text; None where it is written as it is."""
    while "serialization" not in core and "schema" in core:
        core = core["schema"]
    found: Callable[[Any], Any] | None = core.get("serialization", {}).get("function")
    return found


def _without_null(schema: Json) -> Json:
    kept = [each for each in schema.get("anyOf", []) if each != {"type": "null"}]
    if not kept:
        return schema
    others = {key: value for key, value in schema.items() if key != "anyOf"}
    return {**kept[0], **others} if len(kept) == 1 else {**others, "anyOf": kept}


def _describe(model: type[BaseModel], schema: Json) -> None:
    """Put what the source says of each field into the schema."""
    for base in reversed(model.__mro__):
        if not issubclass(base, BaseModel) or base is BaseModel:
            continue
        told = field_docs(base)
        for name, field in model.model_fields.items():
            key = field.alias or name
            if name in told and key in schema.get("properties", {}):
                schema["properties"][key]["description"] = told[name]
    if "description" in schema:
        schema["description"] = _plain(schema["description"])


def _demand(model: type[Part], schema: Json) -> None:
    """Put in which keys go together, and which are asked for although the model does without."""
    required = {*schema.get("required", ()), *model.ASKED}
    if required:
        schema["required"] = sorted(required)
    schema.update(model.SHAPE)
    choices = [one_way(ways) for ways in model.ways()]
    if len(choices) == 1:
        schema.update(choices[0])
    elif choices:
        schema["allOf"] = [*schema.get("allOf", ()), *choices]


@cache
def field_docs(model: type) -> Mapping[str, str]:
    """The texts that stand below the fields of a model in its source."""
    [body] = [
        node.body
        for node in ast.walk(_source_of(model.__module__))
        if isinstance(node, ast.ClassDef) and node.name == model.__name__
    ]
    found: dict[str, str] = {}
    for field, below in pairwise(body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
            and isinstance(below.value.value, str)
        ):
            found[field.target.id] = _plain(below.value.value)
    return found


@cache
def _source_of(module: str) -> ast.Module:
    return ast.parse(inspect.getsource(sys.modules[module]))


def _plain(text: str) -> str:
    return " ".join(text.split()).replace("``", "`")


def _put_in(schema: Any, named: Json, mode: JsonSchemaMode) -> Any:
    """The schema with a reference to each spelling where a model only marks it; ``named`` collects them.

    Models that are private to their module lose their underscore.
    """
    if isinstance(schema, list):
        return [_put_in(each, named, mode) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if MARK not in schema:
        found = {key: _put_in(each, named, mode) for key, each in schema.items()}
        return found | ({"$ref": found["$ref"].replace("/_", "/")} if "$ref" in found else {})
    name = schema[MARK]
    _name_all(name, named, mode)
    return {**spelled(name), **{key: each for key, each in schema.items() if key != MARK}}


def _name_all(name: str, named: Json, mode: JsonSchemaMode) -> None:
    """Collect a spelling and those it refers to."""
    if name in named:
        return
    if mode == "serialization":
        named[name] = _SPELLINGS[name].canonical
        return
    named[name] = _SPELLINGS[name].file if name in _SPELLINGS else table_spelling.NAMED[name]
    for other in _references(named[name]):
        _name_all(other, named, mode)


def _references(schema: Any) -> list[str]:
    if isinstance(schema, list):
        return [name for each in schema for name in _references(each)]
    if not isinstance(schema, dict):
        return []
    own = [schema["$ref"].removeprefix(REF)] if "$ref" in schema else []
    return own + [name for each in schema.values() for name in _references(each)]


def _say_forms(schema: Any) -> Any:
    """The schema with the words that editors show instead of a pattern: what its description says."""
    if isinstance(schema, list):
        return [_say_forms(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    told = {key: _say_forms(each) for key, each in schema.items()}
    form, words = schema.get("pattern"), schema.get("description")
    return told | ({"patternErrorMessage": words} if isinstance(form, str) and isinstance(words, str) else {})


def _let_rules_be_short(schema: Json) -> Json:
    """What a file may leave out without ``escrow`` is demanded with it only."""
    definitions = schema["$defs"]
    demanded: Json = {}
    for section, defaults in RULE_DEFAULTS.items():
        held = schema["properties"][section]
        each = "additionalProperties" in held
        name = (held["additionalProperties"] if each else held)["$ref"].removeprefix(REF)
        model = definitions[name]
        strict: Json = {"required": [key for key in model.get("required", []) if key in defaults]}
        kept = [key for key in model.pop("required", []) if key not in defaults]
        model |= {"required": kept} if kept else {}
        if "oneOf" in model:
            strict["oneOf"] = model["oneOf"]
            ways = [tuple(way["required"]) for way in model["oneOf"]]
            model |= one_way(ways, tuple(defaults))
        demanded[section] = {"additionalProperties": strict} if each else strict
    named = [key for key in schema["required"] if key in RULE_DEFAULTS]
    schema["required"] = [key for key in schema["required"] if key not in RULE_DEFAULTS]
    return schema | {
        "if": {"required": ["escrow"]},
        "then": {"required": named, "properties": demanded},
    }


def _listed(held: Json, schema: Json) -> Json:
    """A map whose order counts, taken out of the schema, as the list of its entries with their ``id``."""
    definitions = schema["$defs"]
    elsewhere = {*_references(schema)}

    def with_id(entry: Json) -> Json:
        name = entry["$ref"].removeprefix(REF)
        model = definitions[name]
        listed = f"Listed{name}" if name in elsewhere else name
        definitions[listed] = {
            **model,
            "properties": {"id": held["propertyNames"], **model["properties"]},
            "required": sorted([*model["required"], "id"]),
        }
        return spelled(listed)

    entry = held["additionalProperties"]
    kinds = [with_id(each) for each in entry.get("oneOf", [entry])]
    limits = {"minItems": held.get("minProperties"), "maxItems": held.get("maxProperties")}
    return {
        "type": "array",
        "items": {"oneOf": kinds} if "oneOf" in entry else kinds[0],
        **{key: value for key, value in limits.items() if value is not None},
        **({"description": held["description"]} if "description" in held else {}),
    }


def render(schema: Json) -> str:
    """The text of a schema's file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
