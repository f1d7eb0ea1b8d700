"""The one scoring of a sealed session, and what repeats or checks it."""
