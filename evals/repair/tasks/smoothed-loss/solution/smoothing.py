"""Smoothed curves for plots and logs."""


class MovingAverage:
    """An exponential moving average, corrected for its start at zero.

    Args:
        decay: how much of the past is kept at each step, in [0, 1).
    """

    def __init__(self, decay=0.9):
        if not 0 <= decay < 1:
            raise ValueError("decay must be in [0, 1)")
        self.decay = decay
        self.value = 0.0
        self.steps = 0

    def update(self, value):
        """Takes a value; returns the corrected average."""
        self.value = self.decay * self.value + (1 - self.decay) * value
        self.steps += 1
        return self.corrected()

    def corrected(self):
        """The average so far; 0 before the first value."""
        if self.steps == 0:
            return 0.0
        return self.value / (1 - self.decay**self.steps)


def smooth(values, decay=0.9):
    """The smoothed curve of values."""
    average = MovingAverage(decay)
    return [average.update(value) for value in values]


def window_mean(values, size):
    """The mean of the last `size` values at each step; fewer at the start."""
    return [
        sum(values[max(0, i + 1 - size) : i + 1]) / min(size, i + 1) for i in range(len(values))
    ]
