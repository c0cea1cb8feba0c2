"""The same cases from hypothesis, which makes a find small before it tells of it."""

from hypothesis import strategies as st

from tests.fuzz import answers, cases, requests


class _Drawn:
    """Choices of hypothesis."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def below(self, count: int) -> int:
        """A number from 0 to `count - 1`."""
        return self._draw(st.integers(0, count - 1))


@st.composite
def of_clients(draw: st.DrawFn) -> requests.Case:
    """Bytes of a client."""
    return cases.request_case(_Drawn(draw))


@st.composite
def of_instances(draw: st.DrawFn) -> answers.Case:
    """Bytes of an instance."""
    return cases.answer_case(_Drawn(draw))
