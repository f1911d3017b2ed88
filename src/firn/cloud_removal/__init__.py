"""Simulation of a Sentinel-2 image from an earlier one and Sentinel-1 images of both dates."""
