"""How we know whether a change is better."""
