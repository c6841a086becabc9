"""The interfaces that plugins implement, one module a kind, each beside the hook that registers it.

A hook only returns classes; all work is in the typed interface. ``tidemill.hookspecs.kinds`` lists the kinds.
"""
