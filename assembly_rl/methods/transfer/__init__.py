"""WDPD: weighted dimensional policy distillation."""
