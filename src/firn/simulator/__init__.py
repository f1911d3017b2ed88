"""A virtual archive: real product formats, physical images and the truth that no archive has."""
