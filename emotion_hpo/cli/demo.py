"""`emotion-hpo demo`: a page on this machine to try a final model."""

from emotion_hpo.cli.serving import ServingCommand, announce, find_served_model


class DemoCommand(ServingCommand):
    """`emotion-hpo demo`."""


def run(command: DemoCommand) -> None:
    """Show a page that answers with a final model until Ctrl-C."""
    path = find_served_model(command, "demo")
    from emotion_hpo.predict import Predictor
    from emotion_hpo.predict.demo.page import serve_page
    from emotion_hpo.report.standing import describe_standing

    predictor, standing = Predictor.open(path), describe_standing(path)
    announce(path, f"127.0.0.1:{command.port}")
    serve_page(predictor, standing, command.port)
