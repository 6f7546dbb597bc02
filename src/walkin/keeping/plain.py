"""Plain: dataclasses as JSON and back, every value checked against the type that its field says."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from typing import Any

import numpy as np

from walkin.errors import WalkinError
from walkin.picture_source import Source, source_from_json, source_to_json

_SOURCES = typing.get_args(Source)
_TUPLES = (tuple, frozenset, list)


def to_plain(value: Any) -> Any:
    """A dataclass, or what is in one, as dicts, lists, numbers and text."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, _SOURCES):
        return source_to_json(value)
    if dataclasses.is_dataclass(value):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, np.ndarray | np.generic):
        return to_plain(value.tolist())
    if isinstance(value, dict):
        return {str(key): to_plain(each) for key, each in value.items()}
    if isinstance(value, frozenset | set):
        return [to_plain(each) for each in sorted(value)]
    if isinstance(value, tuple | list):
        return [to_plain(each) for each in value]
    raise TypeError(f"a {type(value).__name__} has no place in a file")


def from_plain(kind: Any, data: Any, where: str = "") -> Any:
    """The `kind` that `to_plain` made `data` of; WalkinError, naming the place, if it cannot be one.

    Fields that are not known are left out and fields that are missing have their defaults: files of a slightly older
    or newer program can be read.
    """
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return _one_of(inside, data, where)
    if origin in _TUPLES:
        return _several(origin, inside, data, where)
    if origin is dict:
        _expect(isinstance(data, dict), where, "an object", data)
        return {key: from_plain(inside[1], each, f"{where}.{key}") for key, each in data.items()}
    if kind is object:
        return source_from_json(data)
    if kind in (None, type(None)):
        return _expect(data is None, where, "null", data)
    if kind is float:
        _expect(type(data) in (int, float) and math.isfinite(data), where, "a number", data)
        return float(data)
    if kind in (bool, int, str):
        return _expect(
            type(data) is kind, where, {bool: "true or false", int: "a whole number", str: "text"}[kind], data
        )
    if kind is np.ndarray:
        _expect(isinstance(data, list) and all(type(each) in (int, float) for each in data), where, "numbers", data)
        return np.array([from_plain(float, each, where) for each in data])
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, data, where)
    raise TypeError(f"{kind} has no place in a file")


def _dataclass(kind: Any, data: Any, where: str) -> Any:
    _expect(isinstance(data, dict), where, "an object", data)
    hints = typing.get_type_hints(kind)
    values = {}
    for field in dataclasses.fields(kind):
        inside = f"{where}.{field.name}" if where else field.name
        if field.name in data:
            values[field.name] = from_plain(hints[field.name], data[field.name], inside)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            _expect(typing.get_origin(hints[field.name]) is tuple, inside, "there", None)
            values[field.name] = ()  # of something that an older program did not know, there is none
    return kind(**values)


def _one_of(kinds: tuple[Any, ...], data: Any, where: str) -> Any:
    problems = []
    for kind in kinds:
        try:
            return from_plain(kind, data, where)
        except WalkinError as problem:
            problems.append(problem)
    raise problems[0]


def _several(origin: Any, inside: tuple[Any, ...], data: Any, where: str) -> Any:
    _expect(isinstance(data, list), where, "a list", data)
    if origin is not tuple or (len(inside) == 2 and inside[1] is Ellipsis):
        kinds: Any = (inside[0],) * len(data)
    else:
        _expect(len(data) == len(inside), where, f"{len(inside)} values", data)
        kinds = inside
    return origin(
        from_plain(kind, each, f"{where}[{n}]") for n, (kind, each) in enumerate(zip(kinds, data, strict=True))
    )


def _expect(true: bool, where: str, what: str, data: Any) -> Any:
    if not true:
        raise WalkinError(f"{where or 'it'} should be {what}, and is {data!r:.60}")
    return data
