"""The rules of lenders."""
