"""What answers, rankings and verdicts are worth: metrics, by libraries where these have them."""
