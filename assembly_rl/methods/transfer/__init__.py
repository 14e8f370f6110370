"""WDPD: weighted dimension-wise policy distillation."""
