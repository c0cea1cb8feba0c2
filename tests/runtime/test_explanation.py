"""What is known about a request, as plain data."""

import json

from gatekeeper.runtime.explanation import ORDER, Candidate, Explanation, Failure, Result


def test_it_is_plain_data() -> None:
    """Nothing in it but what JSON has."""
    candidate = Candidate(
        route="users",
        place="gateway.yaml:7",
        rule="GET /users",
        conditions=("header x-team: blue",),
        priority=0,
        verdict="failed",
        failed=Failure(condition="header x-team: blue", found="red"),
    )
    found = Explanation(request=None, result=Result(status=404, code="x"), candidates=(candidate,)).as_dict()

    assert found == json.loads(json.dumps(found, default=list)) | {
        "candidates": found["candidates"],
        "others": (),
        "nearest": (),
        "filters": (),
        "targets": (),
        "order": ORDER,
        "result": found["result"],
    }
    assert {"condition": "header x-team: blue", "found": "red"} == found["candidates"][0]["failed"]
    assert None is found["request"]
