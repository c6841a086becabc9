"""What Tidemill does, as typed functions: the command line and ``import tidemill`` are thin skins over them."""
