"""Small inputs, and one thread: the networks of these tests are too small to share."""

from collections.abc import Callable

import pytest
import torch

from emotion_hpo.dataset.batch import InputShape, Sequence

SHAPES = {
    "text": InputShape(0, 7, n_tokens=12),
    "speech": InputShape(5, 9),
    "mocap": InputShape(6, 8),
}


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@pytest.fixture(scope="session")
def shapes() -> dict[str, InputShape]:
    return dict(SHAPES)


@pytest.fixture(scope="session")
def draw() -> Callable[..., Sequence]:
    """Draw utterances of given lengths; NaN and absurd tokens wherever the mask is False."""

    def _draw(shape: InputShape, lengths, *, holes=0.0, seed=0, steps=None) -> Sequence:
        generator = torch.Generator().manual_seed(seed)
        n, steps = len(lengths), steps or max(1, *lengths)
        mask_BT = torch.arange(steps) < torch.tensor(lengths)[:, None]
        if holes:
            mask_BT &= torch.rand(n, steps, generator=generator) >= holes
        if shape.n_tokens is not None:
            values = torch.randint(1, shape.n_tokens, (n, steps), generator=generator)
            values[~mask_BT] = 10**9
        else:
            values = torch.randn(n, steps, shape.dimensions, generator=generator)
            values[~mask_BT] = torch.nan
        return Sequence(values, mask_BT, torch.ones(n, dtype=torch.bool))

    return _draw
