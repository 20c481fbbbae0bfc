"""The schemas in `crds/` and the operator's models of them say the same: fields, types, bounds, defaults, list types.

Rules in CEL are compared by what they refuse: tests/integration/crds applies the corpus to an API server, and
tests/unit/kube applies it to the models. Here, only the names in the rules.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from dubbo_registrar.dubbo.parameters import METHOD_RULES, RULES, Choice
from dubbo_registrar.kube.schema import RegistryServiceSpec, RegistrySpec

# What has no counterpart on the other side: words for people, and rules in CEL.
_ONE_SIDED = {"description", "title", "x-kubernetes-validations", "discriminator", "format", "$defs"}


@pytest.mark.parametrize(
    ("resource", "model"), [("registryservices", RegistryServiceSpec), ("registries", RegistrySpec)]
)
def test_schema_equals_model(root: Path, resource: str, model: type[BaseModel]) -> None:
    """Every field, bound and default of the schema is in the model, and the other way round."""
    found = model.model_json_schema(by_alias=True)
    assert dict(_facts(_from_model(found, found.get("$defs", {})))) == dict(_facts(_from_schema(_spec(root, resource))))


def test_allowed_parameters(root: Path) -> None:
    """The rules of the schema name the parameters that the operator allows, and their words."""
    spec = _spec(root, "registryservices")
    of_service = spec["properties"]["parameters"]["x-kubernetes-validations"]
    of_interface = spec["properties"]["interfaces"]["items"]["properties"]["parameters"]["x-kubernetes-validations"]
    assert of_service == of_interface
    text = " ".join(rule["rule"] for rule in of_service)
    names = re.search(r"key in \[(.*?)\] \|\| key\.matches\('.*?\((.*?)\)\$'\)", text)
    assert names is not None
    assert set(re.findall(r"'(.*?)'", names[1])) == set(RULES)
    assert set(names[2].split("|")) == set(METHOD_RULES)
    # The message names what is refused: it has the list once more.
    assert names[0] in " ".join(of_service[0]["messageExpression"].split())
    for key, rule in RULES.items():
        if isinstance(rule, Choice) and len(rule.words) > 1:
            assert f"[{', '.join(map(repr, rule.words))}]" in text, key


def test_description_names_all_parameters(root: Path) -> None:
    """`kubectl explain` tells every parameter that is allowed, and every word that it may have."""
    description = _spec(root, "registryservices")["properties"]["parameters"]["description"]
    words = {
        word for rule in RULES.values() if isinstance(rule, Choice) for name in rule.words for word in name.split(",")
    }
    assert not {word for word in words | RULES.keys() if not re.search(rf"\b{re.escape(word)}\b", description)}


def _spec(root: Path, resource: str) -> dict[str, Any]:
    definition = yaml.safe_load((root / "crds" / f"{resource}.dubbo-registrar.io.yaml").read_text())
    spec: dict[str, Any] = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return spec


def _facts(schema: Any, path: str = "") -> list[tuple[str, Any]]:  # noqa: ANN401 - JSON
    """Return a schema as pairs of path and value, so that a difference is seen at once."""
    if isinstance(schema, dict) and schema:
        return [fact for key, value in sorted(schema.items()) for fact in _facts(value, f"{path}/{key}")]
    if isinstance(schema, list) and all(isinstance(value, str) for value in schema):
        return [(path, sorted(schema))]
    return [(path, schema)]


def _from_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema in a form that both have: without words, int-or-string as it is."""
    kept = {key: value for key, value in schema.items() if key not in _ONE_SIDED}
    if "properties" in kept:
        kept["properties"] = {name: _from_schema(value) for name, value in kept["properties"].items()}
        # The API server drops or refuses unknown fields everywhere: the schema says so by being structural.
        kept["additionalProperties"] = False
    for key in ("items", "additionalProperties"):
        if isinstance(kept.get(key), dict):
            kept[key] = _from_schema(kept[key])
    return kept


def _from_model(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Return pydantic's JSON schema in that form: references resolved, optional fields as Kubernetes writes them."""
    if "$ref" in schema:
        others = {key: value for key, value in schema.items() if key != "$ref"}
        return _from_model({**definitions[schema["$ref"].rpartition("/")[2]], **others}, definitions)
    kept = {key: value for key, value in schema.items() if key not in _ONE_SIDED}
    if "oneOf" in kept:
        kept = {"x-kubernetes-int-or-string": True} | {
            key: value for choice in kept["oneOf"] for key, value in choice.items() if key != "type"
        }
    if "anyOf" in kept:
        (only,) = [choice for choice in kept.pop("anyOf") if choice != {"type": "null"}]
        kept = {**kept, **_from_model(only, definitions)}
    if kept.get("default", ...) is None:
        del kept["default"]
    if "const" in kept:
        kept["enum"] = [kept.pop("const")]
    if "properties" in kept:
        kept["properties"] = {name: _from_model(value, definitions) for name, value in kept["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(kept.get(key), dict):
            kept[key] = _from_model(kept[key], definitions)
    return kept
