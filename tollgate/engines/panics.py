"""Panics of libraries that are written in Rust, as exceptions that can be handled."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def without_panics() -> Iterator[None]:
    """Raise RuntimeError in place of a panic.

    PyO3's PanicException derives from BaseException, so that `except Exception` lets it through; a tokenizer whose
    regular expression gives up is enough to raise one. The class cannot be imported: it is told by its name.
    https://pyo3.rs/main/doc/pyo3/panic/struct.panicexception
    """
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise RuntimeError(f"the library panicked: {str(error)[:200]}") from error
