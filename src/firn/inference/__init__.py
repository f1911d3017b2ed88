"""Classification of scenes: from calibrated bands and relief to published maps.

A scene goes through in strips of whole rows, so that memory does not grow with it:
`surroundings` brings relief, forest and water onto the grid of the maps, `image` reads a strip of
the scene with what decides about its pixels, `windows` applies a model to it, and `maps` writes
what is published.
"""

from firn.inference.scene import classify_scene
from firn.inference.surroundings import Surroundings

__all__ = ["Surroundings", "classify_scene"]
