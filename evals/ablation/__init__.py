"""Ablation: the steps of the graph, the sets that each matters on, and what is measured there."""
