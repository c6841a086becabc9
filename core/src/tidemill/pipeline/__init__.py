"""The core as one fold, and the drivers and I/O around it."""
