"""Training of the recogniser of contact states: recordings, labels, network, pretext tasks, evaluation."""
