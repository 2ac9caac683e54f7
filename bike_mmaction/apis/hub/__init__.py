"""Shared models: folders and repositories of the Hub that hold data, never code."""
