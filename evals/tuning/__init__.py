"""Tuning: what each choice of a setting is worth on each question, and which choice holds on questions held out."""
