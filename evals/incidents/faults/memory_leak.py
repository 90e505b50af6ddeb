"""Each step keeps some memory, until there is none left."""


class Injected:
    """Magnitude: MiB a step."""

    programs = ("numpy_network", "sklearn_sgd")
    magnitudes = (2.6, 3.3)
    moments = (0.15, 0.35)
    memory_mb = 256
    memory_limit_mb = 1536
    options = "--pace 0.03"
    expected = ("memory_rising", "out_of_memory")
    right = ("restart_with_memory", "restart_same")

    def __init__(self, moment: int, magnitude: float, seed: int) -> None:
        self.moment, self.magnitude = moment, magnitude
        self.hoard: list[bytearray] = []

    def before_step(self, step: int, batch_scale: float) -> None:
        if step >= self.moment:
            self.hoard.append(bytearray(b"\1") * int(self.magnitude * (1 << 20)))
