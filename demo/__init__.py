"""The demonstration: links FEBRL4's two data sets through the service and says how well it did."""
