"""Columns in the types of a contract, and texts looked up."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from gridmap.tables import Table, table_columns


def look_up(values: pd.Series, known: Mapping[Any, str]) -> pd.Series:
    """Return the text for each value, "" where there is none."""
    return pd.Series([known.get(value, "") for value in values], values.index, dtype="str")


def shape(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Return the columns of a contract, in its types."""
    kinds = {"i": "int64", "f": "float64", "O": "str", "b": "bool"}
    columns = table_columns(frame, table)
    return frame[list(columns)].astype({name: kinds[kind] for name, kind in columns.items()})
