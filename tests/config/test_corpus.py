"""The corpus: broken configurations say, exactly, what to write instead; good ones have one long form.

How to add to it: `broken/README.md`.
"""

import os
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.config.document import read_document
from gatekeeper.config.fields import HIDDEN_SECRET
from gatekeeper.config.problems import ConfigError, Problem
from gatekeeper.config.show import dump, show
from gatekeeper.extend.host import PluginHost
from gatekeeper.runtime.loading import load_gateway_text
from tests.config.corpus import BROKEN, GOOD, SECRET, Case, cases
from tests.config.strategies import as_text, configurations, mutated, mutated_text


REWRITE = bool(os.environ.get("GATEKEEPER_REWRITE_CORPUS"))
GOOD_CASES = [pytest.param(case, id=case.name) for case in cases(GOOD)]
CASES = [pytest.param(case, id=case.name) for case in cases(BROKEN)]


@pytest.mark.parametrize("case", CASES)
def test_a_broken_file_says_what_to_write(
    case: Case, host: PluginHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CFG-02, CFG-05, CFG-10: exactly these messages, and nothing that follows from the mistake."""
    monkeypatch.chdir(case.file.parent)
    said = case.said(host)
    if REWRITE:
        case.expected.write_text(said)

    assert case.expected.read_text() == said


@pytest.mark.parametrize("case", CASES)
def test_every_problem_stands_somewhere(
    case: Case, host: PluginHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a file of the case, at a line and a column that it has."""
    monkeypatch.chdir(case.file.parent)

    problems = case.problems(host)

    assert problems
    for problem in problems:
        lines = Path(problem.file).read_text(errors="replace").split("\n")
        assert 1 <= problem.line <= len(lines)
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1


def test_nothing_is_expected_of_a_file_that_is_gone() -> None:
    """Each expectation belongs to a case, and each case is a mistake of its own."""
    expected = {case.expected for case in cases(BROKEN)}

    assert expected == set(BROKEN.glob("*.txt"))
    assert len(expected) >= 150


@pytest.mark.parametrize("case", GOOD_CASES)
def test_a_good_file_has_one_long_form(case: Case, host: PluginHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stands beside the file, and is read as an equal configuration, without variables and other files.

    What it hides has to be put in again.
    """
    monkeypatch.chdir(case.file.parent)
    loaded = case.load(host)
    long = dump(show(loaded.config)).replace(str(case.file.parent), "/here")
    if REWRITE:
        case.effective.write_text(long)

    assert loaded.warnings == ()
    assert case.effective.read_text() == long
    whole = long.replace("/here", str(case.file.parent)).replace(HIDDEN_SECRET, SECRET)
    assert loaded.config == load_gateway_text(whole, host, environ={}).config


def test_short_and_long_forms_mean_the_same(host: PluginHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two files, one configuration."""
    monkeypatch.chdir(GOOD)
    found = {case.name: case for case in cases(GOOD)}

    assert found["short-forms"].load(host).config == found["long-forms"].load(host).config
    assert len(found) >= 25
    assert {case.effective for case in found.values()} == set(GOOD.glob("*.effective.yaml"))


# ---- whatever a file holds ------------------------------------------------------------------------------------------


def judged(text: str, host: PluginHost) -> tuple[Problem, ...]:
    """What is wrong with a text; anything but a configuration or problems is an error of ours."""
    try:
        return load_gateway_text(text, host, base=GOOD, environ={}).warnings
    except ConfigError as error:
        assert error.problems
        return error.problems


def check_places(problems: Iterable[Problem], text: str) -> None:
    lines = text.split("\n")
    for problem in problems:
        assert problem.message
        assert problem.file == "gateway.yaml"
        assert 1 <= problem.line <= len(lines)
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1


TEXTS = [
    case.file.read_text() for case in cases(GOOD) if case.file.parent == GOOD and case.file.suffix == ".yaml"
]


@given(st.data())
@settings(max_examples=60)
def test_random_configurations_are_read(host: PluginHost, data: st.DataObject) -> None:
    """Nothing in them is wrong, and their long form is the same configuration."""
    text = as_text(data.draw(configurations()))

    config = load_gateway_text(text, host, environ={}).config

    assert config == load_gateway_text(dump(show(config)), host, environ={}).config


@given(st.data())
@settings(max_examples=150)
def test_changed_data_is_read_or_refused(host: PluginHost, data: st.DataObject) -> None:
    """CFG-02, CFG-05: whatever stands where, there is a configuration, or problems with their places."""
    original = read_document(data.draw(st.sampled_from(TEXTS)), "gateway.yaml").data
    text = as_text(data.draw(mutated(original)))

    check_places(judged(text, host), text)


@given(st.data())
@settings(max_examples=150)
def test_changed_text_is_read_or_refused(host: PluginHost, data: st.DataObject) -> None:
    """CFG-01: also where it is no YAML any more."""
    text = data.draw(mutated_text(data.draw(st.sampled_from(TEXTS))))

    check_places(judged(text, host), text)
