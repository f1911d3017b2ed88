"""Training: fits any method to samples, in steps that can be killed and continued."""
