"""Adapters: folders of the formats that evaluation sets come in, read into sources and examples."""
