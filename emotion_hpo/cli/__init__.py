"""The command line: `emotion-hpo COMMAND key=value …`, one file a command."""
