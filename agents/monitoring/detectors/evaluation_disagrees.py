"""Evaluations of one checkpoint that disagree."""

import math
import re
from collections import OrderedDict

from agents.monitoring.detector import Detector
from agents.monitoring.named import shown
from labcrew.domain.monitoring import Alarm, Expectations, Observation
from tools.metric_names import role

_MOST = 64
_CHECKPOINT = re.compile(
    r"[\w./=@+-]{1,120}\.(?:pt|pth|ckpt|npz|npy|pkl|pickle|joblib|safetensors|h5|keras|bin|onnx|ubj)\b"
    r"|\b(?:checkpoint|ckpt)[-_/=: ]{1,3}[\w.-]{1,60}",
    re.IGNORECASE,
)
_AGAIN = re.compile(
    r"\bre-?(?:eval|check|run|comput|verif|score|load|test)|\bagain\b", re.IGNORECASE
)
_FIRST = re.compile(r"eval|valid|\btest|score", re.IGNORECASE)
_ONE_OF_MANY = re.compile(r"\d")
"""A checkpoint's name without a number is written over: last.pt is another after each epoch."""
_TRAINS = frozenset({"train_loss", "train_metric"})
_FAR = 0.02
"""A relative difference beyond this is not the rounding or the order of sums."""


class EvaluationDisagrees(Detector):
    """The same checkpoint, or the same step by its words, evaluated twice with different values.

    A check by repetition: an evaluation without training in between is a function of the
    checkpoint. A rounded last digit is no difference; 2% is. Evaluations count as of one
    checkpoint where both lines name its file, or the second says that it is a repetition. A file
    whose name holds no number is another one once training went on.

    Args:
        expected: `metric` is compared too where its name tells nothing.
    """

    def __init__(self, expected: Expectations) -> None:
        self._metric = expected.metric
        self._known: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._trained = False

    def see(self, seen: Observation) -> Alarm | None:
        if seen.saved or any(role(name) in _TRAINS for name in seen.numbers):
            self._trained = True
        if not seen.numbers or seen.done is not None or seen.saved:
            return None
        names = [name for name in seen.numbers if self._counts(name)]
        if not names:
            return None
        text = seen.text[:500]
        again = _AGAIN.search(text) is not None
        checkpoint = _CHECKPOINT.search(text)
        if checkpoint is not None:
            subject = checkpoint[0].lower()
            if not (again or _FIRST.search(text)):
                return None
            if self._trained and not again:
                self._forget_written_over()
        elif seen.step is not None:
            subject = f"step {seen.step}"
        else:
            return None
        for name in names:
            value = seen.numbers[name]
            if not math.isfinite(value):
                continue
            key = (subject, _bare(name))
            known = self._known.get(key)
            if known is not None and (again or checkpoint is not None):
                size = max(abs(known), abs(value), 1e-3)
                if abs(known - value) > _FAR * size and abs(known - value) > 2e-3:
                    return Alarm(
                        kind="evaluation_disagrees",
                        diagnosis=f"{shown(name)} of {shown(subject)} was {known:.4g} and is "
                        f"{value:.4g} when evaluated again",
                        confidence=0.85 if checkpoint is not None else 0.75,
                        step=seen.step,
                        subject=shown(subject),
                        lines=(text,),
                    )
            self._known[key] = value
            self._known.move_to_end(key)
            if len(self._known) > _MOST:
                self._known.popitem(last=False)
        return None

    def _forget_written_over(self) -> None:
        self._trained = False
        for key in [key for key in self._known if not _ONE_OF_MANY.search(key[0])]:
            del self._known[key]

    def _counts(self, name: str) -> bool:
        kind = role(name)
        return kind in ("validation_loss", "validation_metric") or name == self._metric


def _bare(name: str) -> str:
    """The same number may be named "val_acc" and then "reeval_val_acc"."""
    return re.sub(r"^(?:re-?eval(?:uated)?|again|second)[_/ -]", "", name[:80].lower())
