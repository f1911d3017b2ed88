"""Acquisition: search products, choose scenes, download and verify what was chosen.

`table` and `tiles` know no server; `providers` searches through eodag; `transfer` downloads.
"""
