"""Run folder: its files, checkpoints and history."""
