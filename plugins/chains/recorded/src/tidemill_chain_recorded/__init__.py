"""Chain of a recorded tape: reads and costs as recorded, cannot send."""
