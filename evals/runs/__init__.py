"""Evaluation runs: examples, what they are asked of, what the answers are worth, and the folder that keeps it all."""
