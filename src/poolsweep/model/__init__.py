"""The LightningModule, its metrics and its predictions."""
