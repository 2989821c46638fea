"""The plots of a report: each is drawn if its data are there and tell something."""
