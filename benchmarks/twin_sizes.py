"""A share of the synthetic twin, divided as the whole is."""

#: The paper's validation part, of Sessions 1 to 4.
N_VALIDATION = 838


def sized(scale: float) -> tuple[str, str]:
    """Return the overrides for a twin of that share of IEMOCAP's turns."""
    return f"corpus.scale={scale:g}", f"split.n_validation={round(N_VALIDATION * scale)}"
