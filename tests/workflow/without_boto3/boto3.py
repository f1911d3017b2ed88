"""First in the path of Python, this takes the place of boto3, as if that were not installed."""

raise ImportError("boto3 is left out of this test")
