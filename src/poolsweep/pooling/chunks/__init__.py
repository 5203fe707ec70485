"""From the windows of a document to one vector; ``poolsweep poolings`` lists them."""
