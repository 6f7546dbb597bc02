"""Evidence: what real pictures reach on the channels of a network, to stand beside what visualisations reach."""
