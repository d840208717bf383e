"""What a study will show before it is done: the simulator meets the analysis."""
