import numpy as np
import pytest
from images import changed, difference, mean_absolute_difference, psnr

PICTURE = np.arange(1, 241, dtype=np.uint8).reshape(15, 16)


@pytest.mark.parametrize("step", [1, 5, 200])
def test_darker(step):
    bright = np.full((4, 4), 250, dtype=np.uint8)
    dark = bright - np.uint8(step)
    assert (difference(bright, dark) == -step).all()
    assert mean_absolute_difference(bright, dark) == step
    assert psnr(bright, dark) == pytest.approx(psnr(dark, bright))


def test_symmetric():
    other = np.roll(PICTURE, 1, axis=0)
    assert mean_absolute_difference(PICTURE, other) == mean_absolute_difference(other, PICTURE)
    assert changed(PICTURE, other, 10) == changed(other, PICTURE, 10)


def test_small_change_is_no_change():
    assert changed(PICTURE, PICTURE - np.uint8(1)) == 0.0


def test_brighter():
    assert mean_absolute_difference(PICTURE, PICTURE + np.uint8(3)) == 3.0
    assert changed(PICTURE, PICTURE + np.uint8(11)) == 1.0


def test_equal_and_wrong_shape():
    assert psnr(PICTURE, PICTURE) == float("inf")
    with pytest.raises(ValueError):
        difference(PICTURE, PICTURE[:2])
