"""The rules of price sources."""
