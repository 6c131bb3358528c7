"""The JSON API held against its own description."""

import json
import re
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from tornado.httpclient import HTTPResponse

from stockhook.web.api.document import document
from stockhook.web.api.route import PREFIX
from stockhook.web.api.routes import ROUTES

DESCRIPTION: Any = json.loads(json.dumps(document(ROUTES)))
FORMATS = FormatChecker()


@FORMATS.checks("date-time")
def is_moment(written: object) -> bool:
    """Tell whether a time is as design.md section 8 wants it: RFC 3339, in UTC, with Z."""
    moment = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z"
    return not isinstance(written, str) or re.fullmatch(moment, written) is not None


@FORMATS.checks("date")
def is_day(written: object) -> bool:
    """Tell whether a date is YYYY-MM-DD."""
    return not isinstance(written, str) or re.fullmatch(r"\d{4}-\d\d-\d\d", written) is not None


def operation_of(method: str, address: str) -> Any:
    """Return the description of what answers an address; None where nothing is described."""
    path = address.partition("?")[0].removeprefix(PREFIX)
    for described, methods in DESCRIPTION["paths"].items():
        pattern = "".join(
            "[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{\w+\})", described)
        )
        if re.fullmatch(pattern, path) and method.lower() in methods:
            return methods[method.lower()]
    return None


def check(method: str, address: str, answer: HTTPResponse) -> Any:
    """Assert that an answer is as described, and return what it holds."""
    operation = operation_of(method, address)
    media = answer.headers["Content-Type"].partition(";")[0]
    described = operation["responses"] if operation else DESCRIPTION["components"]["responses"]
    assert str(answer.code) in described, f"{method} {address}: {answer.code} is not described; {answer.body[:300]!r}"
    response = described[str(answer.code)]
    if "$ref" in response:
        response = DESCRIPTION["components"]["responses"][response["$ref"].rpartition("/")[2]]
    schema = response["content"][media]["schema"]
    held = json.loads(answer.body) if media.endswith("json") else answer.body.decode(errors="replace")
    whole = {**schema, "components": DESCRIPTION["components"]}
    errors = list(Draft202012Validator(whole, format_checker=FORMATS).iter_errors(held))
    assert not errors, f"{method} {address}: {errors[0].json_path}: {errors[0].message}"
    return held
