"""The rules of codecs."""
