import pytest
from rates import constant, curve, exponential, polynomial, step_decay


@pytest.mark.parametrize(("factor", "every"), [(0.1, 30), (0.5, 7)])
def test_constant_between_steps(factor, every):
    rates = curve(step_decay, 3 * every, rate=0.8, factor=factor, every=every)
    expected = [0.8] * every + [0.8 * factor] * every + [0.8 * factor**2] * every
    assert rates == pytest.approx(expected)


def test_last_epoch_before_a_step():
    assert step_decay(29, 1.0) == 1.0
    assert step_decay(59, 1.0) == pytest.approx(0.1)


def test_at_the_steps():
    assert step_decay(0, 2.0) == 2.0
    assert step_decay(30, 1.0) == pytest.approx(0.1)
    with pytest.raises(ValueError):
        step_decay(1, 1.0, every=0)


def test_smooth_schedules():
    assert exponential(5, 1.0, 10) == pytest.approx(0.5**0.5)
    assert polynomial(5, 1.0, 10, power=2.0) == pytest.approx(0.25)
    assert polynomial(20, 1.0, 10, floor=0.1) == pytest.approx(0.1)
    assert curve(constant, 2, rate=0.3) == [0.3, 0.3]
