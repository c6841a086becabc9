"""The configuration: one TOML file, checked whole, every problem at once."""
