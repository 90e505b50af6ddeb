"""The program dies with a traceback, once: a worker or a driver that failed."""


class Injected:
    """Magnitude: which error."""

    programs = ("numpy_network", "sklearn_sgd", "boosting", "torch_net")
    magnitudes = (1.0, 4.0)
    moments = (0.2, 0.9)
    transient = True
    expected = ("crashed",)
    right = ("restart_same", "restart_elsewhere")

    def __init__(self, moment: int, magnitude: float, seed: int) -> None:
        self.moment, self.magnitude = moment, magnitude

    def loading(self, step: int) -> None:
        if step != self.moment:
            return
        if self.magnitude < 2:
            raise ConnectionResetError(104, "Connection reset by peer")
        if self.magnitude < 3:
            raise RuntimeError("DataLoader worker (pid 217) exited unexpectedly")
        raise OSError(5, "Input/output error")
