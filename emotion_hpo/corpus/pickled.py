"""A pickle of plain containers and NumPy arrays, read without running or loading anything of it.

`pickle.load` calls whatever a file names. Here the names of NumPy's arrays, under their old module
path too, lead to small records of our own, and every other name is refused. The bytes of large
arrays are not read but pointed at, so that a pickle of gigabytes costs the memory of one array at a
time. The pure Python unpickler of the standard library does the parsing: its methods can be
replaced, the C one's cannot.
"""

import io
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, NoReturn

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.errors import CorpusError

_KINDS = frozenset("biufSUO")


class _DType:
    """What a pickle says of a type: its code, then its byte order."""

    def __init__(self, code: object = "", *_: object) -> None:
        self.code = code if isinstance(code, str) else ""
        self.order = "|"

    def __setstate__(self, state: object) -> None:
        if isinstance(state, tuple) and len(state) > 1 and state[1] in ("<", ">", "|", "="):
            self.order = state[1]

    def dtype(self) -> np.dtype[Any]:
        """NumPy's type."""
        try:
            dtype = np.dtype(self.code)
        except TypeError:
            raise pickle.UnpicklingError(f"unknown type {self.code!r}") from None
        if dtype.kind not in _KINDS or dtype.shape or dtype.names:
            raise pickle.UnpicklingError(f"type {self.code!r} is no plain one")
        return dtype if self.order == "|" else dtype.newbyteorder(self.order)  # type: ignore[arg-type]


class _Bytes:
    """Bytes that stay in the file."""

    def __init__(self, path: Path, offset: int, size: int) -> None:
        self.path, self.offset, self.size = path, offset, size

    def __len__(self) -> int:
        return self.size


class PickledArray:
    """An array of the pickle; `load` reads it."""

    def __init__(self) -> None:
        self.shape: tuple[int, ...] = ()
        self._type = _DType("f8")
        self._fortran = False
        self._data: Any = b""

    def __setstate__(self, state: object) -> None:
        if not (isinstance(state, tuple) and len(state) == 5 and isinstance(state[2], _DType)):
            raise pickle.UnpicklingError("an array's state is malformed")
        _, shape, self._type, fortran, self._data = state
        if not isinstance(shape, tuple) or not all(isinstance(n, int) and n >= 0 for n in shape):
            raise pickle.UnpicklingError("an array's shape is malformed")
        self.shape, self._fortran = shape, bool(fortran)

    def items(self) -> list[Any]:
        """The elements of an array of objects, flat."""
        return self._data if isinstance(self._data, list) else []

    def load(self) -> NDArray[Any]:
        """The array; of a large one, only what is looked at is read.

        Raises:
            CorpusError: Its bytes do not make its shape.
        """
        try:
            return self._flat().reshape(self.shape, order="F" if self._fortran else "C")
        except (ValueError, TypeError, OSError, pickle.UnpicklingError) as error:
            raise CorpusError(f"an array of the pickle cannot be read ({error})") from None

    def _flat(self) -> NDArray[Any]:
        if isinstance(self._data, list):
            return np.array(self._data)
        dtype = self._type.dtype()
        if dtype.kind == "O":
            raise TypeError("objects where numbers are expected")
        if isinstance(self._data, _Bytes):
            n = len(self._data) // max(dtype.itemsize, 1)
            where = self._data
            return np.memmap(where.path, dtype, mode="r", offset=where.offset, shape=(n,))
        return np.frombuffer(self._data, dtype)


def _reconstruct(*_: object) -> PickledArray:
    return PickledArray()


def _from_buffer(data: object, kind: object, shape: object, order: object = "C") -> PickledArray:
    """How protocol 5 writes arrays."""
    array = PickledArray()
    array.__setstate__((1, shape, kind, order == "F", data))
    return array


def _scalar(kind: object, data: object = b"") -> Any:  # noqa: ANN401 (any of NumPy's scalars)
    if not isinstance(kind, _DType) or not isinstance(data, bytes):
        raise pickle.UnpicklingError("a scalar is malformed")
    try:
        return np.frombuffer(data, kind.dtype())[0].item()
    except (ValueError, IndexError) as error:
        raise pickle.UnpicklingError(f"a scalar is malformed ({error})") from None


def _encode(text: object, encoding: object = "") -> bytes:
    """How protocols 0 to 2 write bytes."""
    if not isinstance(text, str) or encoding != "latin1":
        raise pickle.UnpicklingError("bytes are malformed")
    try:
        return text.encode("latin1")
    except UnicodeEncodeError as error:
        raise pickle.UnpicklingError(str(error)) from None


class _NdArray:
    """Stands for `numpy.ndarray`, which a pickle only names."""


# Protocols before 3 say `__builtin__`.
#: The names admitted, and what each leads to. NumPy 2 says `numpy._core` where older ones said
#: `numpy.core`.
_ADMITTED: Mapping[tuple[str, str], Callable[..., Any]] = {
    ("numpy", "ndarray"): _NdArray,
    ("numpy", "dtype"): _DType,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy.core.multiarray", "scalar"): _scalar,
    ("numpy._core.multiarray", "scalar"): _scalar,
    ("numpy.core.numeric", "_frombuffer"): _from_buffer,
    ("numpy._core.numeric", "_frombuffer"): _from_buffer,
    **{
        (module, kind.__name__): kind
        for module in ("builtins", "__builtin__")
        for kind in (set, frozenset, bytearray)
    },
    ("_codecs", "encode"): _encode,
}


#: The standard library's parser in Python, which has no types.
_Parser: Any = pickle._Unpickler


class _Reader(_Parser):  # type: ignore[misc]  # a class without types
    """The standard library's parser without its reach."""

    dispatch: ClassVar[dict[int, Any]] = dict(_Parser.dispatch)

    def __init__(self, file: BinaryIO, path: Path) -> None:
        super().__init__(file)
        self._opened, self._path = file, path

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 (as inherited)
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise CorpusError(
                f"{self._path}: asks for {module}.{name}, which no corpus needs; only NumPy arrays "
                "and plain containers are read, so nothing of it was run"
            ) from None

    def persistent_load(self, pid: object) -> NoReturn:
        raise CorpusError(f"{self._path}: refers to {pid!r}, outside itself")

    def get_extension(self, code: int) -> NoReturn:
        raise CorpusError(f"{self._path}: asks for extension {code}, which no corpus needs")

    def _point(self, size: int) -> None:
        """Put bytes on the stack: themselves if they are few, else where they lie."""
        if size <= io.DEFAULT_BUFFER_SIZE or self._unframer.current_frame:
            self.append(self.read(size))
            return
        offset = self._opened.tell()
        self._opened.seek(size, io.SEEK_CUR)
        self.append(_Bytes(self._path, offset, size))

    def load_build(self) -> None:
        """Only our own records have a state."""
        if not isinstance(self.stack[-2], (PickledArray, _DType)):
            raise pickle.UnpicklingError("a state for what has none")
        super().load_build()

    def load_binbytes(self) -> None:
        self._point(int.from_bytes(self.read(4), "little"))

    def load_binbytes8(self) -> None:
        self._point(int.from_bytes(self.read(8), "little"))

    dispatch[pickle.BUILD[0]] = load_build
    dispatch[pickle.BINBYTES[0]] = load_binbytes
    dispatch[pickle.BYTEARRAY8[0]] = load_binbytes8
    dispatch[pickle.BINBYTES8[0]] = load_binbytes8


def read_pickle(path: Path) -> Any:  # noqa: ANN401 (whatever containers it holds)
    """Read a pickle; arrays come as `PickledArray`.

    Raises:
        CorpusError: It cannot be read, or asks for anything but arrays and plain containers.
    """
    try:
        with path.open("rb") as file:
            return _Reader(file, path).load()
    except OSError as error:
        raise CorpusError(f"{path}: {error.strerror}") from None
    except CorpusError:
        raise
    except RecursionError:
        raise CorpusError(f"{path}: is nested too deeply") from None
    except Exception as error:  # the parser raises whatever malformed input leads it to
        raise CorpusError(f"{path}: is no pickle of arrays ({type(error).__name__})") from None
