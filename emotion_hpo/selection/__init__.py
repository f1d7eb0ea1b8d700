"""What a search's trials are worth: expected scores, and leaders trained again over fresh seeds."""
