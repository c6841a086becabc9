"""The command line: thin skins over the functions of ``tidemill.api``."""
