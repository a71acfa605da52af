"""Answers as tables: Arrow inside, pandas or Polars when asked for."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

import pyarrow as pa

from twinpack.errors import InputError
from twinpack.views.shapes.common import Shape

if TYPE_CHECKING:
    import pandas
    import polars

_MOMENT = pa.timestamp("us", tz="UTC")
_PLAIN: Mapping[object, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    datetime: _MOMENT,
    date: pa.date32(),
}
_MILLISECONDS = "_ms"


@dataclass(frozen=True)
class Table:
    """A table.

    It is taken as it is by whatever knows Arrow: `pyarrow.table(t)`, `polars.DataFrame(t)`, DuckDB's `FROM t`.

    Attributes:
        arrow: The table in Arrow; moments are in UTC, what is not known is null.
        about: What is true of all rows, such as the vehicle and the moment of a frame of cells.
    """

    arrow: pa.Table
    about: Mapping[str, object] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many rows."""
        rows: int = self.arrow.num_rows
        return rows

    def __getitem__(self, column: str) -> list[Any]:
        """The values of a column, for Python."""
        values: list[Any] = self.arrow.column(column).to_pylist()
        return values

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Row by row."""
        return iter(self.arrow.to_pylist())

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        names: list[str] = self.arrow.column_names
        return names

    def to_arrow(self) -> pa.Table:
        """The table in Arrow."""
        return self.arrow

    def to_pandas(self) -> pandas.DataFrame:
        """The table in pandas.

        Raises:
            InputError: pandas is not installed.
        """
        try:
            import pandas  # noqa: F401 - Arrow asks for it by name, and would say less about it
        except ImportError as error:
            raise _missing("pandas") from error
        return self.arrow.to_pandas()

    def to_polars(self) -> polars.DataFrame:
        """The table in Polars.

        Raises:
            InputError: Polars is not installed.
        """
        try:
            import polars
        except ImportError as error:
            raise _missing("polars") from error
        return polars.DataFrame(polars.from_arrow(self.arrow))

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The table for another library in this process, without a copy."""
        return self.arrow.__arrow_c_stream__(requested_schema)


def _missing(package: str) -> InputError:
    return InputError(f"{package} is not installed: pip install {package}, or use the table as it is (.arrow)")


# --- rows of one shape ------------------------------------------------------------------------------------------------


def of_rows(shape: type[Shape], rows: Sequence[Shape], about: Mapping[str, object] | None = None) -> Table:
    """One row each; what a row holds within itself becomes columns, such as `alarms_critical`."""
    schema = pa.schema([pa.field(name, _type_of(info.annotation)) for name, info in shape.model_fields.items()])
    table = pa.Table.from_pylist([_plain(row.model_dump(), schema) for row in rows], schema=schema).flatten()
    return Table(table.rename_columns([name.replace(".", "_") for name in table.column_names]), about or {})


def _type_of(annotation: object) -> pa.DataType:
    """The Arrow type of what a shape holds under a name."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type_of(inner[0])
    if origin in (Union, types.UnionType):
        known = [_type_of(part) for part in inner if part is not type(None)]
        return pa.float64() if pa.float64() in known else known[0]
    if origin is Literal:
        return _type_of(type(inner[0]))
    if origin in (list, tuple):
        return pa.list_(_type_of(inner[0]))
    if isinstance(annotation, type) and issubclass(annotation, Shape):
        return pa.struct([pa.field(name, _type_of(info.annotation)) for name, info in annotation.model_fields.items()])
    return _PLAIN.get(annotation, pa.string())


def _plain(row: dict[str, Any], schema: pa.Schema) -> dict[str, Any]:
    """A row in which what has no columns of its own is JSON."""
    texts = {column.name for column in schema if pa.types.is_string(column.type)}
    return {
        name: json.dumps(value, default=str) if name in texts and not isinstance(value, str | types.NoneType) else value
        for name, value in row.items()
    }


# --- columns of one shape ---------------------------------------------------------------------------------------------


def of_columns(answer: Shape, names: Sequence[str], **also: Sequence[object]) -> Table:
    """The columns of one answer under their names; its other figures stand in `about`.

    Moments, which are milliseconds in the answer, become moments: `time_ms` is the column `time`.
    """
    columns = dict(also) | {name: getattr(answer, name) for name in names}
    kept = type(answer).model_fields
    arrays = {
        _name_of(name): _array(name, values, kept[name].annotation if name in kept else None)
        for name, values in columns.items()
    }
    about = {name: value for name in kept if name not in columns and _is_figure(value := getattr(answer, name))}
    return Table(pa.table(arrays), about)


def _array(name: str, values: Sequence[object], annotation: object) -> pa.Array:
    if name.endswith(_MILLISECONDS):
        return pa.array(values, pa.int64()).cast(pa.timestamp("ms", tz="UTC")).cast(_MOMENT)
    return pa.array(values, None if annotation is None else _type_of(annotation).value_type)


def _name_of(name: str) -> str:
    return name.removesuffix(_MILLISECONDS)


def _is_figure(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | datetime)


# --- rows as SQL gives them -------------------------------------------------------------------------------------------


def of_stream(stream: bytes) -> Table:
    """A table as it was sent: an Arrow IPC stream; what the sender says of it stands in `about`."""
    with pa.ipc.open_stream(stream) as reader:
        table = reader.read_all()
    said = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
    about = {key: json.loads(value) for key, value in said.items() if key.startswith("twinpack.")}
    return Table(table, {key.removeprefix("twinpack."): value for key, value in about.items()})
