"""The ablation: what each part of the emulator is worth to the model that learns from it."""
