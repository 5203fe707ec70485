"""Averages of the weights over the steps of a run; what is measured, selected, saved and tested is the average."""
