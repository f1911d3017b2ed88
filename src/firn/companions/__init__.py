"""Companion methods on the ground that they were published on: Sentinel-2 in 13 bands at 60 m."""
