"""The classifier, the LightningModule that trains it, its metrics and its predictions."""
