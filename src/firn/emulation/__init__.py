"""The emulator: Sentinel-2 images as another sensor would have taken them (docs/method.md)."""
