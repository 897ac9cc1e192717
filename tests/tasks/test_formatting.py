"""How an architecture sees x and y."""

import jax
from task_samples import build, draw_one

from jaxpe.data.examples import BOS, EOS, SEP, SPECIALS
from jaxpe.tasks import formatting


def test_a_decoder_writes_the_histogram_after_x():
    task = build("histogram")
    assert task.architectures == ("encoder", "decoder")
    assert task.order_blind_baseline(4, "token_accuracy", "decoder") is None
    sample = draw_one(task, jax.random.key(3), 4, 6)
    x, y = (SPECIALS + part[:4] for part in (sample.x, sample.y))
    example = formatting.TaskStream(task, "decoder").example(jax.random.key(3), 4, 6, {})
    assert example.tokens[:11].tolist() == [BOS, *x, SEP, *y, EOS]
    assert example.targets[example.metric_mask].tolist() == y.tolist()
