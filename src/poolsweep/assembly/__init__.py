"""What ``build`` is made of: from config nodes to data, encoder, pooling, inputs, classifier and trainer."""
