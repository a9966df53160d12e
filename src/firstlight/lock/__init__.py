"""Spec in, exactly what goes in out."""
