"""Turns the run folders of a study into an answer: statistics, tables, charts and the page."""
