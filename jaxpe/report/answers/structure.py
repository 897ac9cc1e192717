"""The answer of the experiment `structure`: which models use absolute position, and which use local order."""

from __future__ import annotations

from jaxpe.records.claims import Answer, ClaimResult, format_effect

QUESTIONS = {  # part of C4 -> question
    "local": "Is local order used more than the order of blocks?",
    "absolute": "Is absolute position used?",
    "absolute-8": "By a shift of 8 alone?",
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
    contrasts = [(words, results[f"C4.{part}"]) for part, words in ELSEWHERE.items() if f"C4.{part}" in results]
    if contrasts:
        effects = "; ".join(f"{words}: {format_effect(result)}" for words, result in contrasts)
        sentences.append(f"The contrast under other conditions: {effects}.")
    short = (
        "Share of the value of position that is lost when all positions are shifted, next-token prediction minus masked LM: "
        f"{format_effect(results['C4'])}."
    )
    return [Answer("Do encoders learn local and decoders absolute position?", " ".join(sentences), "use", short)]


def describe_part(results: dict[str, ClaimResult], part: str) -> str:
    """'yes (+0.144 share (+0.103 to +0.186, n = 10))', or 'not run'."""
    result = results.get(f"C4.{part}")
    if result is None:
        return "not run"
    words = {"supported": "yes", "contradicted": "no, the opposite" if part.endswith("local") else "no"}
    return f"{words.get(result.verdict, 'undecided')} ({format_effect(result)})"
