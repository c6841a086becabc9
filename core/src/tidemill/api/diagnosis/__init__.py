"""What ``tidemill doctor`` looks at, a module for each part of the surroundings."""
