"""Shows the run in the terminal: a live table, or plain lines where there is no terminal."""
