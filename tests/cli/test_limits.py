"""`gatekeeper doc limits`."""

import json
import re
from typing import Any

import attrs
import pytest

from gatekeeper.cli import limits
from gatekeeper.cli.main import main
from gatekeeper.config.page import render
from gatekeeper.config.process import ServerConfig
from gatekeeper.config.reference import Reference
from gatekeeper.config.wording import keys
from gatekeeper.core import errors
from gatekeeper.extend.host import PluginHost


def test_it_is_a_topic_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    """For people, for programs, and in the list of all topics."""
    assert 0 == main(["doc", "limits"])
    assert re.search(r"server\.limits\.header_count +100 +", capsys.readouterr().out)

    assert 0 == main(["doc", "limits", "--json"])
    tables = json.loads(capsys.readouterr().out)["tables"]
    found = {row["limit"]: row for row in tables["set by the configuration"]}
    assert ("16MiB", "413 content-too-large") == (
        found["routes.max_body"]["default"],
        found["routes.max_body"]["the client sees"],
    )

    assert 0 == main(["doc"])
    assert f"limits  {limits.SUMMARY}" in capsys.readouterr().out


@pytest.mark.parametrize(("place", "settings", "seen"), limits.SET, ids=[place for place, *_ in limits.SET])
def test_no_limit_is_forgotten(place: str, settings: Any, seen: dict[str, str]) -> None:
    """Where all keys of a place are limits, all of them are told; and each of them is a key."""
    fields = keys(attrs.resolve_types(type(settings)))

    assert seen.keys() <= fields.keys()
    if place not in {"server", "routes"}:
        assert seen.keys() == fields.keys()


def test_every_limit_can_be_looked_up() -> None:
    """As the key that it is called, with the same default unless another key has it."""
    reference = Reference(PluginHost().catalog)
    elsewhere = re.compile(r"services\.timeouts\.first_byte|.*\.concurrency\..*")

    for key, default, *_ in limits.page().tables[0].rows:
        facts = {name: told for name, told, *_ in reference.page(key).tables[0].rows}
        assert elsewhere.fullmatch(key) or default == facts["default"].replace('"', "")


def test_what_clients_see_is_an_error_that_there_is() -> None:
    """By status and code."""

    def tree(kind: type[errors.GatewayError]) -> set[str]:
        return {f"{kind.status} {kind.code}"}.union(*map(tree, kind.__subclasses__()))

    page = limits.page()
    seen = {row[-1] for table in page.tables for row in table.rows}
    told = {match[0] for one in seen if (match := re.search(r"[0-9]{3} [a-z]+-[a-z-]+", one))}

    assert told
    assert set() == told - tree(errors.GatewayError)


def test_the_edge_is_set_as_is_told() -> None:
    """The defaults are those of a short configuration."""
    rows = {row[0]: row[1] for row in limits.page().tables[0].rows}

    assert str(ServerConfig().limits.connections) == rows["server.limits.connections"]


def test_it_fits_a_terminal() -> None:
    """As all pages do."""
    assert max(map(len, render(limits.page()).splitlines())) <= 100
