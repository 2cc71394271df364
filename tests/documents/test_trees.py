"""YAML becomes the values Kubernetes would see, with places, and within limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpa.documents.tree import MAX_DEPTH, parse_stream, resolve_scalar


def read(text: str):
    nodes, errors = parse_stream(text, "f.yaml")
    assert not errors
    return [node.plain() for node in nodes]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("52:54:00:12:34:56", "52:54:00:12:34:56"),
        ("2020-01-17", "2020-01-17"),
        ("8086:1583", "8086:1583"),
        ("512Mi", "512Mi"),
        ("yes", True),
        ("off", False),
        ("~", None),
        ("", None),
        ("0x1583", 0x1583),
        ("0755", 0o755),
        ("0899", 899.0),
        ("-12", -12),
        ("1e3", 1000.0),
        ("1.10", 1.1),
        ("1.5+dfsg-1", "1.5+dfsg-1"),
        ("9" * 19, int("9" * 19)),
        ("9" * 5000, "9" * 5000),
        ("1e999", "1e999"),
        (".nan", ".nan"),
        (".", "."),
        ("_", "_"),
    ],
)
def test_a_plain_scalar_means(text: str, value: object) -> None:
    assert resolve_scalar(text) == value
    assert type(resolve_scalar(text)) is type(value)


def test_quotes_make_text_and_tags_are_heeded() -> None:
    assert read(
        "{a: 'yes', b: \"12\", c: !!str 12, d: !!int '12', e: ! 12, f: !!null '', g: |\n 12\n}".replace("|\n 12\n", "'12'")
    ) == [{"a": "yes", "b": "12", "c": "12", "d": 12, "e": "12", "f": None, "g": "12"}]


def test_keys_are_text() -> None:
    assert read("{1: a, yes: b, on: c, ~: d}") == [{"1": "a", "yes": "b", "on": "c", "~": "d"}]


def test_aliases_and_merge_keys_bring_values_along() -> None:
    assert read("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: *a\nd: {<<: [{x: 5}, *a]}") == [
        {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}, "c": {"x": 1, "y": 2}, "d": {"x": 5, "y": 2}}
    ]


def test_documents_are_separate_and_empty_ones_are_left_out() -> None:
    assert read("%YAML 1.1\n---\na: 1\n---\n# nothing\n---\n---\nb: |\n  ---\n  x\n...\n---\nc: -----BEGIN\n") == [
        {"a": 1},
        {"b": "---\nx\n"},
        {"c": "-----BEGIN"},
    ]


def test_a_broken_document_does_not_hide_the_next() -> None:
    nodes, errors = parse_stream("a: [\n---\nb: 1\n---\nc: 'x\n---\nd: 2\n", "f.yaml")

    assert [node.plain() for node in nodes] == [{"b": 1}, {"d": 2}]
    assert len(errors) == 2


def test_places_are_those_of_the_file() -> None:
    (_, node), _ = parse_stream("# one\nx: 1\n---\na:\n  - b: 1\n  - c: {d: 2}\n", "f.yaml")

    def place(*path: str | int) -> tuple[int, int]:
        mark = node.mark_of(path)
        return mark.line, mark.column

    assert place("a") == (4, 1)
    assert place("a", 0) == (5, 5)
    assert place("a", 1, "c", "d") == (6, 9)
    assert place("a", 1, "c", "absent") == (6, 5)
    assert place("nowhere") == (4, 1)


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_depth_is_limited(opening: str) -> None:
    _, (error,) = parse_stream(opening * 20_000, "f.yaml")

    assert f"more than {MAX_DEPTH} levels" in error.message


def test_depth_through_aliases_is_limited() -> None:
    text = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 200))

    _, (error,) = parse_stream(text, "f.yaml")

    assert "levels deep, aliases expanded" in error.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2\n", "key a is here twice (first in line 1)"),
        ("? [a]\n: b\n", "a key cannot be a list or a mapping"),
        ("a: &x b\n*x : c\n", "a key cannot be an alias"),
        ("a: !!binary aGk=\n", "tag tag:yaml.org,2002:binary is not supported here"),
        ("a: !!int x\n", "tag tag:yaml.org,2002:int is not supported here"),
        ("a: !mine {b: 1}\n", "tag !mine is not supported"),
        ("<<: 1\n", "the merge key << takes a mapping or a list of mappings"),
        ("a: b: c\n", "broken YAML: mapping values are not allowed in this context"),
        ("a:\n\tb: 1\n", "a tab is not indentation in YAML"),
        ("a: *x\n", "alias *x has no anchor"),
    ],
)
def test_what_is_no_document_is_told(text: str, message: str) -> None:
    _, (error,) = parse_stream(text, "f.yaml")

    assert error.message == message


# YAML 1.1, which libyaml reads, takes U+2028 and U+2029 (Zl, Zp) for line breaks: as text they need an escape.
_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | _TEXT,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(_TEXT.filter(lambda key: key != "<<"), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(JSON)
def test_json_is_read_as_json(value: object) -> None:
    import json

    nodes, errors = parse_stream(json.dumps(value, ensure_ascii=False), "f.json")

    assert not errors
    assert [node.plain() for node in nodes] == ([] if value is None else [value])
