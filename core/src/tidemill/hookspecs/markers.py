"""The two pluggy markers of this project."""

import pluggy

PROJECT = "tidemill"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
