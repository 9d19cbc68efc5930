"""Missing values: words in text, or numbers in any format, that become NaN."""

from __future__ import annotations

from typing import Any, NamedTuple

from poolcli.errors import NumberRangeError
from poolcli.featuremap import FeatureMap
from poolcli.wording import Phrase, many

EXACT = 2**53  # float64 holds every integer up to this


class Missing(NamedTuple):
    """What ``missing`` names."""

    words: frozenset[str] = frozenset()  # an empty one means empty cells
    numbers: tuple[float, ...] = ()  # however they are written

    @classmethod
    def of(cls, option: str | None) -> Missing:
        """Read the option, values with commas between them.

        Examples
        --------
        >>> Missing.of("NA,-9999")
        Missing(words=frozenset({'NA'}), numbers=(-9999.0,))
        """
        if option is None:
            return cls()
        words, numbers = set(), []
        for item in map(str.strip, str(option).split(",")):
            try:
                numbers.append(float(item))
            except ValueError:
                words.add(item)
        return cls(frozenset(words), tuple(numbers))


def and_missing(option: str | None, word: str) -> str:
    """Return the value of ``missing`` that names one more word.

    Examples
    --------
    >>> and_missing(None, "NA"), and_missing("NA", ""), and_missing("", "NA")
    ('NA', 'NA,', ',NA')
    """
    return word if option is None else f"{option},{word}"


def name_missing(option: str | None, word: str, condition: str = "if it stands for a missing value") -> Phrase:
    """Return the advice to name one more word, and the option that skips its NaN.

    Examples
    --------
    >>> str(name_missing(None, "NA"))
    "add missing='NA' if it stands for a missing value; with nan='ignore' the windows skip it"
    """
    text = f"add {{missing}} {condition}; with {{nan}} the windows skip it"
    return Phrase(text, missing=and_missing(option, word), nan="ignore")


def without_missing(feature_map: FeatureMap, numbers: tuple[float, ...], why: str, *, said: bool = False) -> FeatureMap:
    """Return the map with NaN in place of these numbers, and a note that counts them."""
    import numpy as np

    values: Any = feature_map.values
    if not numbers:
        return feature_map
    # the file holds a missing value in its own type: 0.1 as the nearest float32
    with np.errstate(over="ignore"):
        named = np.asarray(numbers, values.dtype if values.dtype.kind == "f" else None)
    gone = np.isin(values, named[~np.isnan(named)])
    if not gone.any():
        return feature_map
    if values.dtype.kind in "iu" and np.abs(values[~gone].astype(np.float64)).max(initial=0) > EXACT:
        raise NumberRangeError(
            f"{feature_map.name}: integers beyond {EXACT} would lose digits beside NaN",
            "convert them to floating-point numbers first",
        )
    values = values.astype(np.result_type(values.dtype, np.float32) if values.dtype.kind == "f" else np.float64)
    values[gone] = np.nan
    count = int(gone.sum())
    note = f"{many(count, 'value')} missing ({why}), taken as NaN"
    warnings = (*feature_map.warnings, note) if said else feature_map.warnings
    return feature_map.with_(values=values, notes=(*feature_map.notes, note), warnings=warnings)
