"""What a layer computes: modes, frameworks, filters, windows made into values, gradients."""
