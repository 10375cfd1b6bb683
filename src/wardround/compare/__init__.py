"""Comparing methods: a recipe, or runs that are there, to one table with intervals and paired differences."""
