"""The errors that firn raises on purpose.

Each message names the file, what was wrong with it, what was expected and what to do. Anything else
that escapes is a defect of firn.
"""


class FirnError(Exception):
    """Root of every error that firn raises on purpose."""


class ConfigError(FirnError):
    """A configuration key, value or scene table is wrong."""


class ProductError(FirnError):
    """A satellite product is incomplete, damaged or not what it claims to be."""


class GridError(FirnError):
    """Two rasters do not fit each other, or a georeference cannot be used."""


class DataError(FirnError):
    """An intermediate file is missing, damaged or too small for the method."""


class ModelError(FirnError):
    """A model file or a training cannot be used."""


class DownloadError(FirnError):
    """A provider refuses, is not reachable, or sends something else than was asked for."""
