"""Figures (placeholder while drawing functions are written)."""


rule figures:
    input:
        [],
