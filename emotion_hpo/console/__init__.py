"""What a person sees of a command, by rich: one file a thing that is shown."""
