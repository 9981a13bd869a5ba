from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import msgspec.inspect
import pytest

from hub import records
from hub.records import KINDS, REGISTER_ROWS, Record, base, decode_record, encode_record

if TYPE_CHECKING:
    from collections.abc import Iterator

MODULES = sorted(Path(records.__file__).parent.glob("*.py"))
EACH_KIND = pytest.mark.parametrize("kind", sorted(KINDS))


SCALARS = {
    msgspec.inspect.AnyType: {"b": 1, "a": "two"},
    msgspec.inspect.BoolType: True,
    msgspec.inspect.IntType: 1_760_000_000_123,
    msgspec.inspect.FloatType: 99.5,
    msgspec.inspect.StrType: "register:people/alice",
}


def value(of: msgspec.inspect.Type) -> Any:  # noqa: PLR0911 - one answer per type
    """An example of a field's type that differs from every default, so that it must be written."""
    match of:
        case msgspec.inspect.Metadata(type=inner):
            return value(inner)
        case msgspec.inspect.UnionType(types=types):
            return value(next(t for t in types if not isinstance(t, msgspec.inspect.NoneType)))
        case msgspec.inspect.ListType(item_type=inner):
            return [value(inner), value(inner)]
        case msgspec.inspect.DictType(value_type=inner):
            return {"b": value(inner), "a": value(inner)}
        case msgspec.inspect.LiteralType(values=values):
            return values[-1]
        case msgspec.inspect.StructType(cls=cls):
            return full(cls)
    return SCALARS[type(of)]


def full(cls: type) -> Any:
    fields = msgspec.inspect.type_info(cls).fields
    return cls(**{field.name: False if field.default is True else value(field.type) for field in fields})


def parts(of: msgspec.inspect.Type) -> Iterator[msgspec.inspect.Type]:
    """The type and everything inside it, structs excepted."""
    yield of
    match of:
        case msgspec.inspect.Metadata(type=inner) | msgspec.inspect.ListType(item_type=inner):
            yield from parts(inner)
        case msgspec.inspect.UnionType(types=types):
            for each in types:
                yield from parts(each)


def structs(of: msgspec.inspect.Type) -> list[type]:
    return [each.cls for each in parts(of) if isinstance(each, msgspec.inspect.StructType)]


def is_list(of: msgspec.inspect.Type) -> bool:
    return any(isinstance(each, msgspec.inspect.ListType) for each in parts(of))


def fields_deep(cls: type) -> Iterator[tuple[str, msgspec.inspect.Type]]:
    for field in msgspec.inspect.type_info(cls).fields:
        yield f"{cls.__name__}.{field.name}", field.type
        for inner in structs(field.type):
            yield from fields_deep(inner)


def subclasses(cls: type) -> Iterator[type]:
    for each in cls.__subclasses__():
        yield each
        yield from subclasses(each)


def tag(kind: str) -> str:
    return KINDS[kind].__struct_config__.tag


@EACH_KIND
def test_a_record_with_every_field_comes_back_as_it_was(kind):
    record = full(KINDS[kind])
    encoded = encode_record(record)
    assert msgspec.json.decode(encoded)["kind"] == kind
    again = decode_record(encoded)
    assert type(again) is KINDS[kind]
    assert again == record


def test_every_tagged_struct_is_a_kind_under_its_own_tag():
    tagged = [each for each in subclasses(Record) if each.__struct_config__.tag != each.__name__]
    assert sorted(each.__struct_config__.tag for each in tagged) == sorted(KINDS)
    assert all(tag(kind) == kind for kind in KINDS)
    assert Record not in KINDS.values()


def test_only_abstract_bases_are_left_untagged():
    untagged = {each.__name__ for each in subclasses(Record) if each.__struct_config__.tag == each.__name__}
    assert untagged == {"Agreement", "ControlledDocument", "PlanDocument", "SupportingAgreement", "Ticket"}


def test_register_rows_are_kinds():
    assert len(REGISTER_ROWS) == 17
    assert set(KINDS) >= REGISTER_ROWS


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_every_field_has_a_docstring_beneath(module):
    bare = []
    for cls in (node for node in ast.parse(module.read_text("utf-8")).body if isinstance(node, ast.ClassDef)):
        for node, after in zip(cls.body, [*cls.body[1:], None], strict=True):
            if isinstance(node, ast.AnnAssign) and not (
                isinstance(after, ast.Expr)
                and isinstance(after.value, ast.Constant)
                and isinstance(after.value.value, str)
            ):
                bare.append(f"{cls.name}.{ast.unparse(node.target)}")
    assert bare == []


@EACH_KIND
def test_every_reference_points_to_a_kind(kind):
    targets = {
        name: each.extra["ref"]
        for name, of in fields_deep(KINDS[kind])
        for each in parts(of)
        if isinstance(each, msgspec.inspect.Metadata) and each.extra and "ref" in each.extra
    }
    assert targets[f"{KINDS[kind].__name__}.owner"] == "person"
    assert {name: target for name, target in targets.items() if target not in KINDS and target != "any"} == {}


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("approval", "subject_id"),
        ("review", "subject_id"),
        ("deployment", "change_id"),
        ("deployment", "release_id"),
        ("problem", "known_error_id"),
        ("known_error", "problem_id"),
        ("role_assignment", "person"),
    ],
)
def test_references_that_requirements_join_on_ask_for_an_index(kind, field):
    of = next(each.type for each in msgspec.inspect.type_info(KINDS[kind]).fields if each.name == field)
    marks = [each.extra for each in parts(of) if isinstance(each, msgspec.inspect.Metadata)]
    assert [mark["index"] for mark in marks] == [True]


@EACH_KIND
def test_structs_nest_one_level_as_the_store_needs(kind):
    for field in msgspec.inspect.type_info(KINDS[kind]).fields:
        for cls in structs(field.type):
            assert issubclass(cls, base.Part)
            for inner in msgspec.inspect.type_info(cls).fields:
                assert not structs(inner.type), f"{kind}.{field.name}.{inner.name} nests a struct"
                assert is_list(field.type) or not is_list(inner.type), f"{kind}.{field.name}.{inner.name} is a list"


def test_the_order_of_open_maps_does_not_reach_the_bytes():
    one = KINDS["change"](id="a:1", source="a", custom={"x": 1, "y": {"p": 1, "q": 2}})
    other = KINDS["change"](id="a:1", source="a", custom={"y": {"q": 2, "p": 1}, "x": 1})
    assert encode_record(one) == encode_record(other)


@pytest.mark.parametrize(
    ("encoded", "message"),
    [
        (b'{"kind":"change","id":"a:1","source":"a","pir":{}}', "unknown field `pir`"),
        (b'{"kind":"change","id":"a:1","source":"a","impact":{"moon":"x"}}', r"unknown field `moon`.*impact"),
        (b'{"kind":"Record","id":"a:1","source":"a"}', "Invalid value 'Record'"),
        (b'{"kind":"change","id":"a:1","source":"a","type":"urgent"}', r"Invalid enum value 'urgent'.*type"),
        (b'{"kind":"approval","id":"a:1","source":"a"}', "missing required field `subject_id`"),
    ],
)
def test_what_is_not_a_record_is_refused_by_name(encoded, message):
    with pytest.raises(msgspec.ValidationError, match=message):
        decode_record(encoded)


def test_a_security_incident_has_all_an_incident_has():
    assert set(KINDS["security_incident"].__struct_fields__) > set(KINDS["incident"].__struct_fields__)


def test_everything_exported_exists():
    assert [name for name in records.__all__ if not hasattr(records, name)] == []
