"""What every map of an agreement file has in common."""

from __future__ import annotations

from typing import Any, ClassVar, TypeAlias

from pydantic import BaseModel, ConfigDict, model_validator

from pyoutcome.terms import spelling
from pyoutcome.terms.problems import MOST, UnknownKey

Ways: TypeAlias = tuple[tuple[tuple[str, ...], ...], ...]


class Part(BaseModel):
    """A map of an agreement file; frozen, and without room for keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)  # built once, as parts of the whole file
    WAYS: ClassVar[Ways] = ()
    """Choices between sets of keys: of each choice exactly one set is given, whole."""
    ASKED: ClassVar[tuple[str, ...]] = ()
    """Keys whose absence the model lets pass, for a check to ask the question that it leaves open."""
    SHAPE: ClassVar[spelling.Json] = {}
    """What else a schema can say of the map."""

    @classmethod
    def ways(cls) -> Ways:
        """``WAYS``, or what a model makes of its fields."""
        return cls.WAYS

    @model_validator(mode="before")
    @classmethod
    def _mark_unknown_keys(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        known = tuple(field.alias or name for name, field in cls.model_fields.items())
        marked = {key: value for key, value in data.items() if key in known}
        unknown = [key for key in data if key not in known]
        return marked | {key: UnknownKey(known) for key in unknown[:MOST]}
