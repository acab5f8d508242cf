"""Audit gradients of models whose parameters share memory."""

__version__ = "0.1.0"
