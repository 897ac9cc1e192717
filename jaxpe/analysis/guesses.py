"""What a masked language model guesses for a word of a held-out verse, and for the same words in another order."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from tokenizers import Tokenizer

from jaxpe.analysis import heads
from jaxpe.data import corpus
from jaxpe.data.examples import BLANK, BOS, SPECIALS
from jaxpe.model import Inputs, Transformer
from jaxpe.study.tables import TableRow
from jaxpe.study.workspace import Run, Workspace
from jaxpe.training.config import RunConfig

VERSES = 4
ORDERS = 6  # of the words of a verse; order 0: as written
GUESSES = 6  # stored for each order, the likeliest first
SHORTEST = 10  # tokens of a verse


def measure_guesses(work: Workspace, run: Run) -> list[TableRow]:
    """The likeliest words at the masked place of each verse, in every order of the other words.

    `shown`: a token of the input. `probability`: a guess. `masked_word`: the word that was masked. No rows where training
    examples are shorter than the shortest verse.
    """
    config = run.config
    text = corpus.load_corpus(config.corpus, config.text_column)
    tokenizer = corpus.train_tokenizer(text.train, config.vocabulary, config.tokenizer)
    words, model, rows = heads.list_words(tokenizer), jax.tree.map(jnp.asarray, work.load_model(run)), list[TableRow]()
    for verse, tokens in enumerate(select_fitting_verses(config, tokenizer)):
        place = len(tokens) // 2
        for order in range(ORDERS):
            shown = mask_and_shuffle(tokens, place, verse, order)
            chances = np.asarray(predict_word(model, shown, place + 1))
            best = np.argsort(-chances, kind="stable")[:GUESSES]
            row = {"verse": verse, "order": order, "value": None}
            rows += [row | {"metric": "shown", "position": i, "word": words[t]} for i, t in enumerate(shown)]
            guesses = [(words[t], round(float(chances[t]), 6)) for t in best]
            rows += [row | {"metric": "probability", "word": word, "value": chance} for word, chance in guesses]
        row = {"verse": verse, "position": place, "value": None}
        rows.append(row | {"metric": "masked_word", "word": words[tokens[place]]})
    return rows


def select_fitting_verses(config: RunConfig, tokenizer: Tokenizer) -> list[Int[np.ndarray, "T"]]:
    """The first held-out verses that fit into a training example, as tokens."""
    encoded = tokenizer.encode_batch(list(corpus.load_corpus(config.corpus, config.text_column).validation[:200]))
    fitting = [np.array(verse.ids) + SPECIALS for verse in encoded if SHORTEST <= len(verse.ids) <= config.train_length]
    return fitting[:VERSES]


def mask_and_shuffle(tokens: Int[np.ndarray, "T"], place: int, verse: int, order: int) -> Int[np.ndarray, "T"]:
    """The tokens with the one at `place` masked, the others in one of ORDERS orders."""
    others = np.array([i for i in range(len(tokens)) if i != place])
    if order:
        others = np.random.default_rng([verse, order]).permutation(others)
    return np.insert(tokens[others], place, BLANK)


@jax.jit
def predict_word(model: Transformer, tokens: Int[Array, "T"], place: int | Int[Array, ""]) -> Float[Array, "V"]:
    """The probabilities of the token at `place`, counted with the `<bos>` that is put before the others."""
    tokens = jnp.concatenate([jnp.array([BOS]), jnp.asarray(tokens)]).astype(jnp.int32)
    nothing = jnp.zeros((0,), jnp.int32)
    inputs = Inputs(tokens, jnp.arange(len(tokens)), jnp.int32(len(tokens)), nothing, nothing, jnp.int32(0))
    return jax.nn.softmax(model(inputs).logits[place])
