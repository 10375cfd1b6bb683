"""Runs on cohorts: predictions, metrics with intervals, reports."""
