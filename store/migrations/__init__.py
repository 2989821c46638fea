"""Numbered SQL files, applied once and in order, never edited after they have been released."""
