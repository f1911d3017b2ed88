"""Writers of the real product formats: given arrays in, products as their producers ship them out.

Nothing here knows how the arrays came about. Two calls with the same arguments give the same bytes.
"""
