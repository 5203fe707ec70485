"""One run: build, fit, evaluate, record; alone or in several processes."""
