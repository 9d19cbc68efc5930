"""sRGB's gray levels as amounts of light, and back (IEC 61966-2-1).

The average of gray levels is darker than the average of their light: half black, half white is 188 of 255, not 128.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from poolcli.errors import UsageError
from poolcli.featuremap import FeatureMap
from poolcli.wording import Phrase

if TYPE_CHECKING:
    from numpy.typing import NDArray


def to_light(feature_map: FeatureMap) -> FeatureMap:
    """Return a picture with light in place of levels; white, which must be known, stays the same."""
    import numpy as np

    white = feature_map.white
    if not white:
        raise UsageError(f"{feature_map.name} has no pixels whose light is known", Phrase("leave out {linear_light}"))
    share = feature_map.values.astype(np.float64) / white
    light = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    note = "decoded to linear light"
    return feature_map.with_(
        values=light * white, origin={**feature_map.origin, "light": True}, notes=(*feature_map.notes, note)
    )


def to_levels(feature_map: FeatureMap) -> FeatureMap:
    """Return a map of light as gray levels, and any other unchanged; negative light, from filters, keeps its sign."""
    import numpy as np

    white = feature_map.white
    if not feature_map.origin.get("light") or not white:
        return feature_map
    share: NDArray[Any] = feature_map.values / white
    size = np.abs(share)
    levels = np.where(size <= 0.0031308, size * 12.92, 1.055 * size ** (1 / 2.4) - 0.055)
    return feature_map.with_(values=np.copysign(levels * white, share), origin={**feature_map.origin, "light": False})
