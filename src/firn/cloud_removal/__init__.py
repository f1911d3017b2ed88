"""Seeing under the cloud: Sentinel-2 images simulated from Sentinel-1 and an earlier image."""
