"""The answer of the experiment `structure`: which models use absolute position, and which use local order."""

from __future__ import annotations

from jaxpe.records.claims import Answer, ClaimResult, format_effect

QUESTIONS = {  # part of C4 -> question
    "local": "Is local order used more than the order of blocks?",
    "absolute": "Does a shift by 1 or 8 cost more than 0.1 of what position is worth?",
    "absolute-8": "A shift by 8 alone?",
}
CELLS = {  # the four differences that decide C4
    "published-share": "as a share of the value of position",
    "published-bits": "in bits",
    "equal-share": "with a loss on 15 % of the tokens in both, as a share",
    "equal-bits": "the same in bits",
}
ELSEWHERE = {"offset": "random starts", "document": "document starts", "second": "the second domain"}


def answer(results: dict[str, ClaimResult]) -> list[Answer]:
    """One sentence with the contrast, and a paragraph with the verdict of each part; nothing where C4 was not run."""
    if "C4" not in results:
        return []
    sentences = [
        f"{question} the encoder: {describe_part(results, f'encoder-{part}')}; the decoder: "
        f"{describe_part(results, f'decoder-{part}')}."
        for part, question in QUESTIONS.items()
    ]
    sentences.append(list_effects(results, "What shifts by 1 and 8 cost, next-token prediction minus masked LM", CELLS))
    conditions = {f"{part}-published": words for part, words in ELSEWHERE.items()}
    sentences.append(list_effects(results, "The share under other conditions", conditions))
    whole = results["C4"]
    short = (
        "That next-token prediction makes a model rely on absolute position more than masked LM does is "
        f"{whole.verdict}: share of the value of position that is lost when all positions are shifted by 1 and 8, the first "
        f"minus the second: {format_effect(whole)}."
    )
    text = " ".join(sentence for sentence in sentences if sentence)
    return [Answer("Do encoders learn local and decoders absolute position?", text, "use", short)]


def list_effects(results: dict[str, ClaimResult], what: str, parts: dict[str, str]) -> str:
    """'What: in words +0.2 …; in other words …'; '' where none of the parts was run."""
    effects = [
        f"{words}: {format_effect(results[f'C4.{part}'])}" for part, words in parts.items() if f"C4.{part}" in results
    ]
    return f"{what}: {'; '.join(effects)}." if effects else ""


def describe_part(results: dict[str, ClaimResult], part: str) -> str:
    """'yes (+0.144 share (+0.103 to +0.186, n = 10))', or 'not run'."""
    result = results.get(f"C4.{part}")
    if result is None:
        return "not run"
    words = {"supported": "yes", "contradicted": "no, the opposite" if part.endswith("local") else "no"}
    return f"{words.get(result.verdict, 'undecided')} ({format_effect(result)})"
