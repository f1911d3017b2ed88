"""Orthorectification of SPOT Level-1A scenes on an elevation model and a reference image.

The location model of the product (`firn.products.location`) and the parallax of the relief
(`geometry`) say which pixel of the raw image each pixel of a map shows (`mapping`). The position is
taken over from Sentinel-2 (`registration`): windows of both images are compared (`matching`), and
the geometry is corrected by those that agree (`adjustment`). `rectify` makes the map.
"""

from firn.orthorectification.adjustment import Agreement
from firn.orthorectification.rectify import orthorectify

__all__ = ["Agreement", "orthorectify"]
