"""ONNX Runtime: sessions over files in the format ONNX."""

from pathlib import Path
from typing import Any


def open_session(source: Path | bytes, n_threads: int) -> Any:  # noqa: ANN401 (ONNX Runtime's own)
    """Open a session on whatever device this machine has.

    Args:
        source: A file, or what one holds.
        n_threads: Of one run; 0: as many as there are cores.

    Raises:
        ImportError: ONNX Runtime is not installed.
        Exception: It cannot be read; ONNX Runtime's errors have no common class of their own.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads
    content = source if isinstance(source, bytes) else str(source)
    providers = onnxruntime.get_available_providers()
    return onnxruntime.InferenceSession(content, options, providers=providers)
