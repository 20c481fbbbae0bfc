"""The shape of RegistryService and Registry: the schemas of `crds/` as pydantic models, bound by bound.

What the schemas say in CEL is in `rules.py`; what an object becomes is in `resources.py`. What a field means is said in
the schema, once. Closed and strict: nothing is dropped, and "1" is no number.
"""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

LABEL_KEY: Final = r"^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$"
_LABEL_VALUE: Final = r"^([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)?$"
_OBJECT_NAME: Final = r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"
_WORD: Final = r"^[A-Za-z0-9._-]+$"
_IDENTIFIER: Final = r"[A-Za-z_$][A-Za-z0-9_$]*"
_SEGMENT: Final = r"[A-Za-z0-9_][A-Za-z0-9_$.-]*"
_PORT_NAME: Final = r"^([a-z0-9]+-)*[a-z0-9]*[a-z][a-z0-9]*(-[a-z0-9]+)*$"
_SERVER: Final = r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[1-9][0-9]{0,4})?"
_ROOT_SEGMENT: Final = r"[A-Za-z0-9_][A-Za-z0-9._-]*"

PORT_TAGS: Final = ("(number)", "(name)")
"""What pydantic puts into the location of an error in a port; they stand for no field."""

_ATOMIC: Final = {"x-kubernetes-list-type": "atomic"}
_SET: Final = {"x-kubernetes-list-type": "set"}


class _Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, strict=True)


def _unique(items: list[str]) -> list[str]:
    if len(set(items)) < len(items):
        twice = next(item for item in items if items.count(item) > 1)
        raise PydanticCustomError("twice", "{item} is there twice", {"item": repr(twice)})
    return items


def _unique_names(items: "list[ProtocolSpec]") -> "list[ProtocolSpec]":
    _unique([item.name for item in items])
    return items


def _kind_of_port(port: object) -> str:
    return PORT_TAGS[isinstance(port, str)]


ProtocolName = Literal["dubbo", "tri"]
LabelValue = Annotated[str, Field(max_length=63, pattern=_LABEL_VALUE)]
Word = Annotated[str, Field(min_length=1, max_length=64, pattern=_WORD)]
Parameters = Annotated[
    dict[str, Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[A-Za-z0-9._:/,*$@!~()-]+$")]],
    Field(max_length=32),
]
PortNumber = Annotated[int, Field(ge=1, le=65535), Tag(PORT_TAGS[0])]
PortName = Annotated[str, Field(min_length=1, max_length=15, pattern=_PORT_NAME), Tag(PORT_TAGS[1])]


class RegistryRef(_Model):
    """`spec.registryRef`."""

    name: Annotated[str, Field(min_length=1, max_length=253, pattern=_OBJECT_NAME)] = "default"


class MatchExpression(_Model):
    """`spec.selector.matchExpressions[]`."""

    key: Annotated[str, Field(min_length=1, max_length=317, pattern=LABEL_KEY)]
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: (
        Annotated[list[LabelValue], AfterValidator(_unique), Field(max_length=16, json_schema_extra=_SET)] | None
    ) = None


class SelectorSpec(_Model):
    """`spec.selector`."""

    match_labels: Annotated[dict[str, LabelValue], Field(max_length=16)] | None = None
    match_expressions: Annotated[list[MatchExpression], Field(max_length=8, json_schema_extra=_ATOMIC)] | None = None


class ProtocolSpec(_Model):
    """`spec.protocols[]`."""

    name: ProtocolName
    port: Annotated[PortNumber | PortName, Discriminator(_kind_of_port)]


class InterfaceSpec(_Model):
    """`spec.interfaces[]`."""

    name: Annotated[str, Field(min_length=3, max_length=255, pattern=rf"^{_IDENTIFIER}([.]{_IDENTIFIER})+$")]
    group: Word | None = None
    version: Word | None = None
    methods: (
        Annotated[
            list[Annotated[str, Field(min_length=1, max_length=128, pattern=rf"^{_IDENTIFIER}$")]],
            AfterValidator(_unique),
            Field(max_length=128, json_schema_extra=_SET),
        ]
        | None
    ) = None
    path: Annotated[str, Field(min_length=1, max_length=255, pattern=rf"^{_SEGMENT}(/{_SEGMENT})*$")] | None = None
    protocols: (
        Annotated[
            list[ProtocolName], AfterValidator(_unique), Field(min_length=1, max_length=4, json_schema_extra=_SET)
        ]
        | None
    ) = None
    parameters: Parameters | None = None


class AddressSpec(_Model):
    """`spec.address`."""

    family: Literal["IPv4", "IPv6"] = "IPv4"


class RegistryServiceSpec(_Model):
    """`spec` of a RegistryService."""

    registry_ref: RegistryRef = RegistryRef()
    application: Annotated[str, Field(min_length=1, max_length=253, pattern=_WORD)] | None = None
    suspend: bool = False
    selector: SelectorSpec
    protocols: Annotated[
        list[ProtocolSpec],
        AfterValidator(_unique_names),
        Field(
            min_length=1,
            max_length=4,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ]
    interfaces: Annotated[list[InterfaceSpec], Field(min_length=1, max_length=64, json_schema_extra=_ATOMIC)]
    weight: Annotated[int, Field(ge=0, le=10_000)] | None = None
    warmup: Annotated[int, Field(ge=0, le=86_400_000)] | None = None
    tag: Word | None = None
    parameters: Parameters | None = None
    address: AddressSpec = AddressSpec()


class RegistrySpec(_Model):
    """`spec` of a Registry."""

    address: Annotated[
        str,
        Field(
            min_length=13, max_length=1024, pattern=rf"^zookeeper://{_SERVER}([?]backup={_SERVER}(,{_SERVER}){{0,8}})?$"
        ),
    ]
    root: Annotated[
        str, Field(min_length=1, max_length=128, pattern=rf"^/?{_ROOT_SEGMENT}(/{_ROOT_SEGMENT}){{0,3}}$")
    ] = "dubbo"
    session_timeout_milliseconds: Annotated[int, Field(ge=4000, le=300_000)] = 40_000
    connect_timeout_milliseconds: Annotated[int, Field(ge=500, le=60_000)] = 5000


class Metadata(BaseModel):
    """The part of `metadata` that matters here; the API server answers for its form."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True, strict=True)

    namespace: Annotated[str, Field(min_length=1, max_length=63)]
    name: Annotated[str, Field(min_length=1, max_length=253, pattern=_OBJECT_NAME)]
    uid: Annotated[str, Field(min_length=1, max_length=128)]
    generation: Annotated[int, Field(ge=0)] = 0
    creation_timestamp: str
    deletion_timestamp: str | None = None


class RegistryServiceObject(BaseModel):
    """A RegistryService as the API server hands it out; its status is never read."""

    model_config = ConfigDict(frozen=True, strict=True)

    metadata: Metadata
    spec: RegistryServiceSpec


class RegistryObject(BaseModel):
    """A Registry as the API server hands it out; its status is never read."""

    model_config = ConfigDict(frozen=True, strict=True)

    metadata: Metadata
    spec: RegistrySpec
