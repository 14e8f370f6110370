"""Control: SE(3), compliance law, admittance controller, baseline controllers (numpy alone)."""
