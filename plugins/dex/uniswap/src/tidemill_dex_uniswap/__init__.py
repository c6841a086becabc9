"""Uniswap V2 and V3 pools and their forks, exact to the unit.

One module an entry point (``uniswap``, ``sushiswap``, ``quickswap``, ``pancakeswap``); what the forks differ in stands in ``forks``.
"""
