"""The recorded past: described in YAML, judged by line, and never read before it was known."""

from leverd.backtest.history.exact import to_ray
from leverd.backtest.history.history import Bars, History
from leverd.backtest.history.keys import BarsKey, Kind, SeriesKey, Side
from leverd.backtest.history.loading import Loaded, load_history
from leverd.backtest.history.manifest import Manifest, manifest_path, write_manifest
from leverd.backtest.history.problems import DataProblem, MalformedDataError
from leverd.backtest.history.series import Series
from leverd.backtest.history.starter import starter
from leverd.backtest.history.writing import write_history

__all__ = [
    "Bars",
    "BarsKey",
    "DataProblem",
    "History",
    "Kind",
    "Loaded",
    "MalformedDataError",
    "Manifest",
    "Series",
    "SeriesKey",
    "Side",
    "load_history",
    "manifest_path",
    "starter",
    "to_ray",
    "write_history",
    "write_manifest",
]
