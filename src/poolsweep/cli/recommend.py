"""``poolsweep recommend``: which pooling to take, by what the atlas has measured."""

from __future__ import annotations

from poolsweep.cli.arguments import VerbParser


def recommend(arguments: list[str]) -> int:
    """Print the rule for a case, or all rules."""
    parser = VerbParser(
        "recommend", "Says which pooling to take before anything is measured on your texts, with the evidence for it."
    )
    regime = parser.add_mutually_exclusive_group()
    regime.add_argument("--frozen", action="store_true", help="the encoder stays as it is (default)")
    regime.add_argument("--fine-tuned", action="store_true", help="the encoder is trained")
    parser.add_argument("--rows", type=int, metavar="N", help="training rows")
    parser.add_argument("--length", type=int, metavar="TOKENS", help="tokens of most texts")
    parser.add_argument("--task", help="what is predicted, such as classification or similarity")
    given = parser.parse_args(arguments)
    from poolsweep import recommend as found

    if not arguments:
        for rule in found.rules():
            print(f"{rule.case}: {rule.answer}")
        return 0
    kind = "fine-tuned" if given.fine_tuned else "frozen"
    rule = found.recommend(regime=kind, task=given.task, rows=given.rows, length=given.length)
    print(f"{rule.case}: {rule.answer}")
    print(f"Measured with one encoder, all-MiniLM-L6-v2. With yours, on your texts:\n  {found.command(rule)}")
    return 0
