"""The gate: floors of quality on a small fixed sample, under which no change may go."""
