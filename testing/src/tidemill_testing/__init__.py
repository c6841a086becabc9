"""Conformance suites, fakes and recorded data for the tests of Tidemill plugins."""
