"""The pytest plugin: fixtures that the tests of any Tidemill plugin may use."""

from tidemill_testing.bytecode import bytecode
from tidemill_testing.recorded import recorded

__all__ = ["bytecode", "recorded"]
