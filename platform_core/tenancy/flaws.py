"""What is wrong with one value of a store's data, in words. pydantic's messages are English only; ours are not."""

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, RootModel, ValidationError

from platform_core.tenancy.fields import listed, nearest
from platform_core.web.i18n import _

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Flaw:
    """`found` stands at `path`, `allowed` says what may, `hint` what to do about it (may be empty)."""

    path: Path
    found: str
    allowed: str
    hint: str = ""


def flaws_in(error: ValidationError, model: type[BaseModel], prefix: Path = ()) -> Iterator[Flaw]:
    """Every error of `error` (raised by `model`) as a flaw; `prefix` is where the model's data stand."""
    for line in error.errors(include_url=False):
        yield _flaw(line, model, prefix)


def shown(value: Any) -> str:
    """A value as the file writes it, cut to a length that fits a line."""
    if value is None:
        return _("nothing")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return _("a table")
    if isinstance(value, list | tuple):
        return _("a list")
    if isinstance(value, str | int | float):
        text = repr(value)
        return text if len(text) <= 80 else text[:77] + "…" + text[0]
    return str(value)


_TYPES = {
    "string_type": _('a text in quotes, such as "…"'),
    "string_sub_type": _('a text in quotes, such as "…"'),
    "int_type": _("a whole number without quotes"),
    "int_from_float": _("a whole number without quotes"),
    "int_parsing": _("a whole number without quotes"),
    "float_type": _("a number without quotes"),
    "bool_type": _("true or false, without quotes"),
    "date_type": _("a date without quotes, such as 2026-01-31"),
    "date_from_datetime_inexact": _("a date without quotes, such as 2026-01-31"),
    "datetime_type": _("a date and time without quotes, such as 2026-01-31T12:00:00Z"),
    "tuple_type": _("a list, such as [ … ]"),
    "list_type": _("a list, such as [ … ]"),
    "set_type": _("a list, such as [ … ]"),
    "dict_type": _("a table, such as { … }"),
    "model_type": _("a table, such as { … }"),
    "model_attributes_type": _("a table, such as { … }"),
}


def _flaw(line: Any, model: type[BaseModel], prefix: Path) -> Flaw:
    kind: str = line["type"]
    found = shown(line["input"])
    path = (*prefix, *(part for part in line["loc"] if part != "[key]"))
    context: Mapping[str, Any] = line.get("ctx", {})
    if kind == "not_allowed":
        return Flaw(path, context.get("found", found), context["allowed"], context["hint"])
    if kind == "missing":
        return Flaw(path, shown(None), _("a value; this key is needed"), _("add the key"))
    if kind == "extra_forbidden":
        return _unknown_key(line, model, path)
    if kind in _TYPES:
        return Flaw(path, found, _TYPES[kind])
    if kind in ("literal_error", "enum"):
        words = [word.strip("'") for word in context["expected"].replace(" or ", ", ").split(", ")]
        return Flaw(
            path,
            found,
            _("one of: ${words}", mapping={"words": listed(words)}),
            nearest(line["input"], words),
        )
    return Flaw(path, found, _bound(kind, context) or line["msg"])


def _bound(kind: str, context: Mapping[str, Any]) -> str | None:
    """The allowed range that a "too small" or "too long" error names."""
    if kind in ("greater_than_equal", "greater_than"):
        limit = context.get("ge", context.get("gt"))
        text = (
            _("a number from ${limit} on") if kind == "greater_than_equal" else _("a number above ${limit}")
        )
        return _(text, mapping={"limit": str(limit)})
    if kind in ("less_than_equal", "less_than"):
        limit = context.get("le", context.get("lt"))
        text = _("a number up to ${limit}") if kind == "less_than_equal" else _("a number below ${limit}")
        return _(text, mapping={"limit": str(limit)})
    if kind == "string_too_short":
        return _("at least ${limit} characters", mapping={"limit": str(context["min_length"])})
    if kind == "string_too_long":
        return _("at most ${limit} characters", mapping={"limit": str(context["max_length"])})
    if kind == "too_short":
        return _("a list with at least ${limit} entries", mapping={"limit": str(context["min_length"])})
    if kind == "too_long":
        return _("a list with at most ${limit} entries", mapping={"limit": str(context["max_length"])})
    if kind == "value_error":
        return str(context.get("error", "")) or None
    return None


OPERATORS_KEYS = frozenset({"hosts", "host", "payment_account", "payment_accounts", "selling_entity"})
"""What a store's file may not say: it belongs to the operator."""


def _unknown_key(line: Any, model: type[BaseModel], path: Path) -> Flaw:
    key = str(line["loc"][-1])
    keys = keys_at(model, tuple(line["loc"][:-1]))
    hint = nearest(key, keys)
    if key in OPERATORS_KEYS:
        hint = _("the operator sets this in platform.toml")
    return Flaw(
        path,
        _("the key '${key}'", mapping={"key": key}),
        _("${words}", mapping={"words": listed(keys, 30)}) if keys else _("no such key"),
        hint or _("remove it"),
    )


def keys_at(model: Any, loc: Path) -> tuple[str, ...]:
    """The keys that the table at `loc` of `model` may have; none where it is no table."""
    annotation: Any = model
    for part in loc:
        annotation = _step(annotation, part)
    found = _model_of(annotation)
    if found is None:
        return ()
    return tuple(field.alias or name for name, field in found.model_fields.items())


def _model_of(annotation: Any) -> type[BaseModel] | None:
    if (
        isinstance(annotation, type)
        and issubclass(annotation, BaseModel)
        and not issubclass(annotation, RootModel)
    ):
        return annotation
    for inner in _without_wrapping(annotation):
        if inner is not annotation and (found := _model_of(inner)) is not None:
            return found
    return None


def _without_wrapping(annotation: Any) -> tuple[Any, ...]:
    origin = get_origin(annotation)
    if origin is Union or origin is types.UnionType:
        return tuple(arm for arm in get_args(annotation) if arm is not type(None))
    if hasattr(annotation, "__metadata__"):
        return (get_args(annotation)[0],)
    return (annotation,)


def _step(annotation: Any, part: str | int) -> Any:
    """The annotation one step further down."""
    if (model := _model_of(annotation)) is not None:
        for name, field in model.model_fields.items():
            if part in (name, field.alias):
                return field.annotation
        return None
    for inner in _without_wrapping(annotation):
        origin, arguments = get_origin(inner), get_args(inner)
        if hasattr(inner, "__metadata__"):
            return _step(inner, part)
        if origin in (tuple, list) and arguments:
            return arguments[0]
        if origin is dict and arguments:
            return arguments[1]
    return None
