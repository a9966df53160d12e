"""Notices from any of the known syntaxes to any other, and back."""
