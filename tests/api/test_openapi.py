"""The document that is generated from the types, held against the server that uses them."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from omnitray import __version__
from omnitray.api.endpoints import ENDPOINTS
from omnitray.api.openapi import document
from support.api_server import Running

DOCUMENT = document(ENDPOINTS, __version__)
schema = schemathesis.openapi.from_dict(DOCUMENT)
CHECKS = [
    schemathesis.checks.not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
    ignored_auth,
]


@pytest.fixture(scope="module", autouse=True)
def _quiet() -> Iterator[None]:
    """It logs at DEBUG whatever it tries."""
    logging.getLogger("schemathesis").setLevel(logging.ERROR)
    yield
    logging.getLogger("schemathesis").setLevel(logging.NOTSET)


@schema.parametrize()
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
def test_no_input_gets_an_answer_that_is_not_documented(
    case: "schemathesis.Case[Any]", shared: Running
) -> None:
    headers = {"Authorization": f"Bearer {shared.address.token}"}
    case.call_and_validate(base_url=shared.server.url, headers=headers, checks=CHECKS)


def test_the_document_is_served_and_says_its_version(shared: Running) -> None:
    served = shared.ask("GET", "/api/openapi.json").json
    assert served["openapi"] == "3.1.0"
    assert served["info"]["version"] == __version__
    assert served == _as_json(DOCUMENT)


def test_every_endpoint_is_in_it_with_its_types() -> None:
    for endpoint in ENDPOINTS:
        operation = DOCUMENT["paths"][endpoint.path][endpoint.method.lower()]
        assert operation["summary"].endswith(".")
        answer = operation["responses"][str(endpoint.status)]
        assert answer["content"]["application/json"]["schema"]
        assert {"400", "401", "403", "413", "422", "429"} <= set(operation["responses"])


def test_every_reference_leads_somewhere() -> None:
    def references(part: Any) -> Iterator[str]:
        if isinstance(part, dict):
            if "$ref" in part:
                yield part["$ref"]
            for value in part.values():
                yield from references(value)
        elif isinstance(part, list):
            for value in part:
                yield from references(value)

    known = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    assert set(references(DOCUMENT)) <= known


def test_operations_have_names_of_their_own() -> None:
    names = [
        operation["operationId"]
        for path in DOCUMENT["paths"].values()
        for operation in path.values()
    ]
    assert len(names) == len(set(names)) == len(ENDPOINTS)


def _as_json(value: Any) -> Any:
    import json  # noqa: PLC0415 - a detour that only comparing needs

    return json.loads(json.dumps(value))
