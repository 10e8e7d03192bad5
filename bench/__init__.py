"""Measurements, kept out of the tests: ratios taken in one run on one machine, printed and never asserted there."""
