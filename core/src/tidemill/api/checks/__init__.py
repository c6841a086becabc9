"""What can be said of a plugin's package by reading it: numbered rules over its files, none of which is imported."""
