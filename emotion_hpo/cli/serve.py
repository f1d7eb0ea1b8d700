"""`emotion-hpo serve`: answer requests on this machine with a final model."""

from emotion_hpo.cli.serving import ServingCommand, announce, find_served_model


class ServeCommand(ServingCommand):
    """`emotion-hpo serve`."""


def run(command: ServeCommand) -> None:
    """Answer requests with a final model until Ctrl-C."""
    path = find_served_model(command, "serve")
    from emotion_hpo.predict import READINGS, Predictor
    from emotion_hpo.tracking.serving import serve

    reads = Predictor.open(path).reads
    announce(path, f"127.0.0.1:{command.port}/invocations", *([READINGS[reads]] if reads else []))
    serve(path, command.port)
