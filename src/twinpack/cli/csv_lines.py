"""CSV files in which people enter things: a header, then a line a thing; what is wrong is told with its line."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from twinpack.errors import ImportFileError, InputError

_T = TypeVar("_T")


@dataclass(frozen=True)
class Line(Generic[_T]):
    """A thing, or what is wrong, and the number of its line."""

    number: int
    said: _T | InputError


def read_lines(
    path: Path, columns: Sequence[str], required: Sequence[str], read: Callable[[Mapping[str, str]], _T]
) -> list[Line[_T]]:
    """The things of a file; empty lines are passed over.

    Args:
        path: The file, in UTF-8.
        columns: The columns that there may be.
        required: Those that have to be there.
        read: Makes a thing of the values of a line, stripped, by column; raises `InputError` where it cannot.

    Raises:
        ImportFileError: The file cannot be read, or its header is wrong.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(_lines(path, csv.reader(file, strict=True), columns, required, read))
    except OSError as error:
        raise ImportFileError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ImportFileError(f"{path}: is not text in UTF-8: {error.reason} at byte {error.start}") from error


def _lines(
    path: Path,
    reader: Iterator[list[str]],
    columns: Sequence[str],
    required: Sequence[str],
    read: Callable[[Mapping[str, str]], _T],
) -> Iterator[Line[_T]]:
    number = 1
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(path, header, columns, required)
        number = getattr(reader, "line_num", 0) + 1
        for values in reader:
            if any(value.strip() for value in values):
                yield Line(number, _said(header, values, read))
            number = getattr(reader, "line_num", 0) + 1
    except csv.Error as error:
        raise ImportFileError(f"{path}:{number}: is not CSV: {error}") from error


def _check_header(path: Path, header: list[str], columns: Sequence[str], required: Sequence[str]) -> None:
    known = ", ".join(columns)
    for name in required:
        if name not in header:
            raise ImportFileError(f"{path}:1: the header has no column {name!r}; the columns are {known}")
    for name in header:
        if name not in columns:
            raise ImportFileError(f"{path}:1: unknown column {name!r}; the columns are {known}")
        if header.count(name) > 1:
            raise ImportFileError(f"{path}:1: column {name!r} stands there twice")


def _said(header: list[str], values: list[str], read: Callable[[Mapping[str, str]], _T]) -> _T | InputError:
    if len(values) != len(header):
        return InputError(f"{len(values)} values under a header of {len(header)}")
    try:
        return read(dict(zip(header, (value.strip() for value in values), strict=True)))
    except InputError as error:
        return error
