"""The node that a simulated chain lives in: in this process, or in one of its own that outlives whoever asks.

``python -m tidemill_chain_sim.node --socket P`` starts the latter; ``[chains.sim] node = "P"`` makes a run ask it.
"""
