"""What a change of a project means for its data and containers: a comparison of two projects."""
