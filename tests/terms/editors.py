"""An agreement file as an editor sees it: YAML 1.2 with its core schema, where PyYAML itself reads YAML 1.1."""

from __future__ import annotations

import re
from typing import Any

import yaml


class _Core(yaml.SafeLoader):
    """Plain words are null, true and false, whole and broken numbers, or else texts; no dates, no ``yes``."""

    yaml_implicit_resolvers: dict[Any, Any] = {}  # noqa: RUF012 - PyYAML's own way of saying it


_FORMS = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?[0-9]+", list("-+0123456789")),
    "float": (r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", list("-+.0123456789")),
}
for _tag, (_form, _first) in _FORMS.items():
    _Core.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_form})$"), _first)


def _whole(loader: Any, node: Any) -> int:
    return int(loader.construct_scalar(node))


_Core.add_constructor("tag:yaml.org,2002:int", _whole)  # 007 is seven, where YAML 1.1 counts in eights


def as_editor(text: str) -> Any:
    """The JSON values of a file."""
    return yaml.load(text, Loader=_Core)  # noqa: S506 - a safe loader with fewer types
