"""A small crowd before a real gateway, for seconds; and that its checks can fail."""

import pytest

from tests.crowd import descriptors, places, report, story
from tests.soak.running import GOODBYE, run_soak


PATIENCE = 120


@pytest.mark.timeout(PATIENCE + GOODBYE + 10)
@pytest.mark.parametrize("part", ["crowd", "descriptors", "places"])
def test_a_crowd_harms_nobody(part: str) -> None:
    """LIM-06, LIM-07, LIM-08, LIM-10, LIM-16: who is idle, slow or deaf, or wants what there is no more of."""
    done = run_soak(part, "--small", "--no-times", patience=PATIENCE, module="tests.crowd")

    assert done.returncode == 0, done.stdout + done.stderr


def test_a_story_in_which_nothing_has_happened_proves_nothing() -> None:
    """Silence is never a pass."""
    broken = "it did not start"

    assert not all(one.holds for one in report.judge(story.Story(story.SMALL, broken=broken)))
    assert not all(one.holds for one in descriptors.judge(descriptors.Story("uvloop", broken=broken)))
    assert not all(one.holds for one in places.judge(places.Story("server", places.SMALL, broken=broken)))
