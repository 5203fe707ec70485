"""The answer: statistics, tables and pages, made from run folders alone."""
