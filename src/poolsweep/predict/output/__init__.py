"""Files of predictions and of vectors, written so that an interrupted one goes on."""
