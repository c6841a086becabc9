"""Pure functions from an opportunity to a plan: replaying, sizing, ranking, building. Integers only."""
