"""CS3: continuous-space serialized Shapley values of action components for state components."""
