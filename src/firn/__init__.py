"""firn: snow, cloud and ground maps from historical SPOT 1-5 images."""

from firn.errors import FirnError

__version__ = "0.1.0"
__all__ = ["FirnError", "__version__"]
