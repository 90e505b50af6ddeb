"""Search spaces and values, tame and wild, for property tests."""

from typing import Any

from hypothesis import strategies as st

from labcrew.domain.search_space import ChoiceParameter, FloatParameter, IntParameter, Parameter

WORDS = st.text("abcxyz_", min_size=1, max_size=6)


@st.composite
def floats(draw: st.DrawFn) -> FloatParameter:
    log = draw(st.booleans())
    low = draw(st.floats(1e-6, 10) if log else st.floats(-1e6, 1e6))
    width = draw(st.floats(1e-3, 1e5))
    step = None if log else draw(st.none() | st.sampled_from([0.001, 0.1, 0.25, 3.0]))
    low = round(low, 9)
    high = round(low + width + (step or 0), 9)
    return FloatParameter(type="float", low=low, high=high, log=log, step=step)


@st.composite
def ints(draw: st.DrawFn) -> IntParameter:
    log = draw(st.booleans())
    low = draw(st.integers(1, 100) if log else st.integers(-1000, 1000))
    step = 1 if log else draw(st.sampled_from([1, 1, 2, 7]))
    return IntParameter(
        type="int", low=low, high=low + draw(st.integers(1, 1000)), log=log, step=step
    )


@st.composite
def choices(draw: st.DrawFn) -> ChoiceParameter:
    several = st.lists(
        WORDS | st.integers(2, 99) | st.booleans(), min_size=1, max_size=4, unique_by=repr
    )
    return ChoiceParameter(type="choice", choices=tuple(draw(several)))


def numeric_parameters() -> st.SearchStrategy[FloatParameter | IntParameter]:
    return st.one_of(floats(), ints())


def parameters() -> st.SearchStrategy[Parameter]:
    return st.one_of(floats(), ints(), choices())


def wild_values() -> st.SearchStrategy[Any]:
    return st.one_of(
        st.floats(), st.integers(), st.booleans(), st.text(max_size=5), st.just(10**400)
    )


def spaces() -> st.SearchStrategy[dict[str, Parameter]]:
    return st.dictionaries(WORDS, parameters(), min_size=1, max_size=3)


def settings_of(space: dict[str, Parameter]) -> st.SearchStrategy[dict[str, Any]]:
    """Settings that a paper may report: some parameters, values mostly in range."""

    def value(parameter: Parameter) -> st.SearchStrategy[Any]:
        if isinstance(parameter, ChoiceParameter):
            return st.sampled_from(parameter.choices)
        if isinstance(parameter, IntParameter):
            return st.integers(parameter.low, parameter.high)
        return st.floats(parameter.low, parameter.high)

    return st.fixed_dictionaries({}, optional={name: value(p) for name, p in space.items()})
