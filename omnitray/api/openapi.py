"""The OpenAPI 3.1 document, generated from the table of endpoints and the types of the wire."""

import inspect
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, get_args

import msgspec

from omnitray.api.endpoints import Endpoint
from omnitray.api.wire import Error

REF = "#/components/schemas/{name}"
ERRORS = {
    400: "malformed request",
    401: "no token, or a wrong one",
    403: "foreign Host, Origin or site",
    404: "nothing under that id or name",
    405: "another method is needed",
    409: "not possible now",
    413: "body over 64 KiB",
    422: "a value that is not allowed",
    429: "too many requests",
    503: "too busy to do it now",
}
ALWAYS = (400, 401, 403, 405, 413, 422, 429)
ON_WRITE = (409, 503)


def document(endpoints: Sequence[Endpoint], version: str) -> dict[str, Any]:
    """The whole document as JSON values."""
    shapes = list(_shapes(endpoints))
    schemas, components = msgspec.json.schema_components(shapes, ref_template=REF)
    known = {repr(shape): schema for shape, schema in zip(shapes, schemas, strict=True)}
    paths: dict[str, Any] = {}
    for endpoint in endpoints:
        operation = _operation(endpoint, known, components)
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "OmniTray",
            "version": version,
            "summary": "The local API of a running OmniTray. Address and token: api.json.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _shapes(endpoints: Iterable[Endpoint]) -> Iterator[Any]:
    seen = set()
    for endpoint in endpoints:
        for shape in (*_parts(endpoint.answer), endpoint.query, endpoint.body, Error):
            if shape is not None and repr(shape) not in seen:
                seen.add(repr(shape))
                yield shape


def _parts(answer: Any) -> tuple[Any, ...]:
    """A union of structs has no tag to tell them apart by: each is a schema of its own."""
    return get_args(answer) or (answer,)


def _operation(
    endpoint: Endpoint, known: dict[str, Any], components: dict[str, Any]
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.handler.__name__,
        "summary": (inspect.getdoc(endpoint.handler) or "").partition("\n")[0],
        "parameters": [*_path_parameters(endpoint), *_query_parameters(endpoint, components)],
        "responses": _responses(endpoint, known),
    }
    if endpoint.body is not None:
        operation["requestBody"] = {
            "required": any(field.required for field in msgspec.structs.fields(endpoint.body)),
            "content": {"application/json": {"schema": known[repr(endpoint.body)]}},
        }
    if len(_parts(endpoint.answer)) > 1:
        operation["security"] = [{"token": []}, {}]
    return operation


def _path_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    if not endpoint.has_id:
        return []
    schema = {"type": "string", "minLength": 1, "maxLength": 128}
    return [{"name": "id", "in": "path", "required": True, "schema": schema}]


def _query_parameters(endpoint: Endpoint, components: dict[str, Any]) -> list[dict[str, Any]]:
    shape = components[endpoint.query.__name__]
    return [
        {"name": name, "in": "query", "required": False, "schema": _without_null(schema)}
        for name, schema in shape["properties"].items()
    ]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """What is left out stands for null: a query string cannot say it."""
    kept = {key: value for key, value in schema.items() if value is not None}
    choices = [each for each in kept.pop("anyOf", []) if each != {"type": "null"}]
    if "enum" in kept:
        kept["enum"] = [each for each in kept["enum"] if each is not None]
    return {**kept, **choices[0]} if choices else kept


def _responses(endpoint: Endpoint, known: dict[str, Any]) -> dict[str, Any]:
    schemas = [known[repr(part)] for part in _parts(endpoint.answer)]
    shape = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    codes = [
        *ALWAYS,
        *([404] if endpoint.has_id or endpoint.names_one else []),
        *(ON_WRITE if endpoint.writes else ()),
    ]
    responses = {str(endpoint.status): _response("done", shape)}
    for code in sorted(codes):
        responses[str(code)] = _response(ERRORS[code], known[repr(Error)])
    return responses


def _response(text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": schema}}}
