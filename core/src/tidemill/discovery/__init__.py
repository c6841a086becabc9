"""Plugins: found by their metadata alone, imported only when the configuration enables them."""
