"""Several runs at once on one machine: workers with cores or GPUs of their own."""
