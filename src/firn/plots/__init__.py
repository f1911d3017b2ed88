"""Figures of the report. Each function returns a matplotlib figure; `style.save` writes it."""
