"""Now and then a batch needs more memory than there is, the less the smaller it is."""


class Injected:
    """Magnitude: MiB of a whole batch."""

    programs = ("numpy_network", "sklearn_sgd")
    magnitudes = (260.0, 380.0)
    memory_mb = 256
    memory_limit_mb = 768
    expected = ("out_of_memory", "memory_rising")
    right = ("restart_smaller_batch", "restart_with_memory")

    def __init__(self, moment: int, magnitude: float, seed: int) -> None:
        self.moment, self.magnitude = moment, magnitude

    def before_step(self, step: int, batch_scale: float) -> None:
        if step >= self.moment and (step - self.moment) % 25 == 0:
            bytearray(b"\1") * int(self.magnitude * batch_scale * (1 << 20))
