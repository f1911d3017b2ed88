"""Plain ways to what firn computes, written to be read and not to be fast."""
