"""Data that comes with firn."""
