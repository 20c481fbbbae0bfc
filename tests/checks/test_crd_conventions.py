"""The custom resources follow the conventions of the Kubernetes API, those that kube-api-linter checks for Go types."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml


class Field(NamedTuple):
    """One node of a schema."""

    path: str
    name: str
    schema: dict[str, Any]

    def __str__(self) -> str:
        return self.path


def _definitions(root: Path) -> list[dict[str, Any]]:
    return [yaml.safe_load(file.read_text()) for file in sorted((root / "crds").glob("*.yaml"))]


def _walk(schema: dict[str, Any], path: str, name: str) -> Iterator[Field]:
    yield Field(path, name, schema)
    for key, value in schema.get("properties", {}).items():
        yield from _walk(value, f"{path}.{key}", key)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from _walk(schema[key], f"{path}[]", f"{name}[]")


@pytest.fixture(scope="module")
def definitions(root: Path) -> list[dict[str, Any]]:
    """Return all custom resource definitions."""
    return _definitions(root)


@pytest.fixture(scope="module")
def fields(definitions: list[dict[str, Any]]) -> list[Field]:
    """Return every node of all schemas, but for `metadata`, which Kubernetes describes itself."""
    return [
        field
        for definition in definitions
        for version in definition["spec"]["versions"]
        for field in _walk(version["schema"]["openAPIV3Schema"], definition["spec"]["names"]["kind"], "")
        if field.name != "metadata"
    ]


def test_definitions_are_found(definitions: list[dict[str, Any]]) -> None:
    """Each file in `crds/` has the name of the resource that it defines, in the project's own group."""
    names = {definition["metadata"]["name"] for definition in definitions}
    assert names == {"registries.dubbo-registrar.io", "registryservices.dubbo-registrar.io"}


def test_names(definitions: list[dict[str, Any]], root: Path) -> None:
    """Every name is spelled out; the category is the project's, never `all`."""
    for definition in definitions:
        spec = definition["spec"]
        assert definition["metadata"]["name"] == f"{spec['names']['plural']}.{spec['group']}"
        assert (root / "crds" / f"{definition['metadata']['name']}.yaml").is_file()
        assert {"kind", "listKind", "plural", "singular", "shortNames", "categories"} <= spec["names"].keys()
        assert spec["names"]["categories"] == ["dubbo"]


def test_every_field_is_described(fields: list[Field]) -> None:
    """`kubectl explain` has a sentence for every field."""
    assert not [field.path for field in fields if not field.schema.get("description", "").endswith((".", "}.", "]."))]


def test_fields_of_a_spec_have_an_example(definitions: list[dict[str, Any]]) -> None:
    """What a team writes is explained with an example, but for objects that are explained by their fields."""
    fields = [
        field
        for definition in definitions
        for field in _walk(_spec(definition), definition["spec"]["names"]["kind"], "spec")
        if not field.name.endswith("[]") and field.schema.get("type") != "object"
    ]
    assert not [field.path for field in fields if "Example" not in field.schema["description"]]


def test_every_field_has_a_type(fields: list[Field]) -> None:
    """Schemas are structural and closed: nothing is left open, nothing may be null."""
    for field in fields:
        typed = "type" in field.schema or field.schema.get("x-kubernetes-int-or-string")
        assert typed, field
        assert not field.schema.get("nullable"), field
        assert not field.schema.get("x-kubernetes-preserve-unknown-fields"), field
        if field.schema.get("type") == "object":
            assert ("properties" in field.schema) != ("additionalProperties" in field.schema), field


def test_everything_is_bounded(fields: list[Field]) -> None:
    """Strings, lists, maps and numbers have bounds: they cost CEL budget, etcd space and node names."""
    for field in fields:
        schema = field.schema
        if schema.get("type") == "string" and "enum" not in schema:
            assert "maxLength" in schema, field
        if schema.get("type") == "array":
            assert "maxItems" in schema, field
        if "additionalProperties" in schema:
            assert "maxProperties" in schema, field
        if schema.get("type") == "integer":
            assert "minimum" in schema, field
            assert "maximum" in schema or "format" in schema, field
        if schema.get("x-kubernetes-int-or-string"):
            assert {"minimum", "maximum", "maxLength"} <= schema.keys(), field


def test_required_strings_are_not_empty(fields: list[Field]) -> None:
    """A required string has a least length or a list of words: an empty one says nothing."""
    for field in fields:
        for name in field.schema.get("required", ()):
            child = field.schema["properties"][name]
            if child.get("type") == "string" and name not in {"message", "lastTransitionTime"}:
                assert "minLength" in child or "enum" in child, f"{field}.{name}"


def test_every_list_has_a_type(fields: list[Field]) -> None:
    """Server-side apply knows how to merge every list; lists of names are sets or lists with keys."""
    for field in fields:
        if field.schema.get("type") == "array":
            assert field.schema.get("x-kubernetes-list-type") in {"atomic", "set", "map"}, field
        if field.schema.get("x-kubernetes-list-type") == "map":
            items = field.schema["items"]
            assert set(field.schema["x-kubernetes-list-map-keys"]) <= set(items["required"]), field


def test_no_words_of_old(fields: list[Field]) -> None:
    """No phases, durations, timestamps, floats or references to other groups; units are in the names."""
    for field in fields:
        name = field.name.lower()
        assert "phase" not in name, field
        assert "duration" not in name, field
        assert not name.endswith("timestamp"), field
        assert field.schema.get("type") != "number", field
        assert field.schema.get("format") != "duration", field


def test_enums_are_strings(fields: list[Field]) -> None:
    """Every word of an enum is a string: YAML reads True and No as booleans."""
    for field in fields:
        assert all(isinstance(word, str) for word in field.schema.get("enum", ())), field


def test_rules_say_what_is_wrong(fields: list[Field]) -> None:
    """Every rule in CEL has a message and a reason."""
    for field in fields:
        for rule in field.schema.get("x-kubernetes-validations", ()):
            assert {"rule", "message", "reason"} <= rule.keys(), field


def test_status(definitions: list[dict[str, Any]]) -> None:
    """Status is a subresource, with observedGeneration and conditions of the standard form."""
    for definition in definitions:
        (version,) = definition["spec"]["versions"]
        assert version["subresources"] == {"status": {}}
        status = version["schema"]["openAPIV3Schema"]["properties"]["status"]
        assert "required" not in status
        assert status["properties"]["observedGeneration"]["format"] == "int64"
        conditions = status["properties"]["conditions"]
        assert conditions["x-kubernetes-list-type"] == "map"
        assert conditions["x-kubernetes-list-map-keys"] == ["type"]
        condition = conditions["items"]
        required = {"type", "status", "reason", "message", "lastTransitionTime"}
        assert set(condition["required"]) == required
        assert condition["properties"].keys() == required | {"observedGeneration"}
        assert condition["properties"]["status"]["enum"] == ["True", "False", "Unknown"]


def test_columns_exist(definitions: list[dict[str, Any]]) -> None:
    """Every printer column reads a field that is there, and those of the conditions are shown before the wide ones."""
    for definition in definitions:
        (version,) = definition["spec"]["versions"]
        names = [column["name"] for column in version["additionalPrinterColumns"] if not column.get("priority")]
        assert {"Ready", "Reason", "Age"} <= set(names)
        for column in version["additionalPrinterColumns"]:
            _, top, *rest = column["jsonPath"].split("[")[0].split(".")
            node = version["schema"]["openAPIV3Schema"]["properties"][top]
            for part in rest if top != "metadata" else ():
                node = node["properties"][part]


def test_size(root: Path) -> None:
    """A definition fits, with much room, into the annotation in which kubectl apply keeps a copy (256 KiB)."""
    assert max(file.stat().st_size for file in (root / "crds").glob("*.yaml")) < 40_000


def _spec(definition: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return spec
