"""
JSON Schemas for the API description: of answers as they are typed, of bodies with their rules.

msgspec makes them; here they learn what it cannot know.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec
from msgspec import inspect as types

from pasar.store_service.web.envelope import STATUS, Failure, Pagination
from pasar.store_service.web.fields import Body, Described

Schema = dict[str, Any]

REF: Final = "#/components/schemas/{name}"
ENVELOPE: Final = (Failure, Pagination)


def components(answers: Iterable[Any], bodies: Iterable[type[Body]]) -> dict[str, Schema]:
    """Return the schemas of all structs that answers, bodies and the envelope are made of."""
    wanted = [*ENVELOPE, *answers]
    requests = list(dict.fromkeys(bodies))
    _, found = msgspec.json.schema_components([*wanted, *requests], ref_template=REF)
    for struct in _structs(types.multi_type_info(wanted)):
        _amend(found[struct.cls.__name__], struct)
    for body in requests:
        _add_rules(found[body.__name__], body)
    found["Fault"]["properties"]["code"]["enum"] = list(STATUS)
    return found


def schema_of(kind: Any) -> Schema:
    """Return what stands for this type where it is used."""
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=REF)
    return schema


def _structs(infos: Iterable[types.Type]) -> Iterator[types.StructType]:
    for info in infos:
        match info:
            case types.StructType():
                yield info
                yield from _structs(field.type for field in info.fields)
            case types.CollectionType():
                yield from _structs([info.item_type])
            case types.UnionType():
                yield from _structs(info.types)
            case _:
                pass


def _amend(schema: Schema, struct: types.StructType) -> None:
    """Say that times are times, and that a member which is left out is never null."""
    omitted = struct.cls.__struct_config__.omit_defaults
    for field in struct.fields:
        kinds = _alternatives(field.type)
        nullable = any(isinstance(kind, types.NoneType) for kind in kinds) and not omitted
        if any(isinstance(kind, types.DateTimeType) for kind in kinds):
            text = ["string", "null"] if nullable else "string"
            schema["properties"][field.encode_name] = {"type": text, "format": "date-time"}
        elif omitted and "anyOf" in schema["properties"][field.encode_name]:
            (real, _null) = schema["properties"][field.encode_name]["anyOf"]
            schema["properties"][field.encode_name] = real


def _alternatives(info: types.Type) -> Sequence[types.Type]:
    return info.types if isinstance(info, types.UnionType) else (info,)


def _add_rules(schema: Schema, body: type[Body]) -> None:
    """Require the members whose default breaks their rules; all others may also be null."""
    absent = body()
    for name, member in schema["properties"].items():
        rules = body.rules.get(name, ())
        for rule in rules:
            if isinstance(rule, Described):
                member.update(rule.schema)
        default = getattr(absent, name)
        if default is not None and any(rule(default) for rule in rules):
            schema["required"].append(name)
            del member["default"]
        elif "type" in member:
            member["type"] = [member["type"], "null"]
