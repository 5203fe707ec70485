"""How often the interaction test finds that the best pooling depends on the encoder.

    python experiments/statistics/interaction.py [STUDIES] > experiments/statistics/interaction.csv

Tables of encoders by poolings, as simulate.py has them: all cells equal, or one encoder better throughout, or one cell
six points above the rest.
"""

import csv
import itertools
import sys

import numpy as np
import simulate
from simulate import runs, scores

from poolsweep.statistics import interaction_test

TEXTS = 200


def accuracies(effect, encoders, poolings):
    """What each cell is right on, of all possible texts, (encoders · poolings,)."""
    table = np.full((encoders, poolings), 0.75)
    if effect == "one encoder":
        table[0] += 0.05
    if effect == "one cell":
        table[0, 0] += 0.06
    return table.ravel()


def p_value(generator, effect, shape, luck):
    """That of one study."""
    cells = itertools.product(range(shape[0]), range(shape[1]))
    tables = runs(generator, accuracies(effect, *shape), luck=luck, num_texts=TEXTS)
    names = [(str(row), str(column)) for row, column in cells]
    return interaction_test({name: scores(table) for name, table in zip(names, tables, strict=True)}).p_value


def main():
    """Write every row."""
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    columns = ("encoders", "poolings", "seeds", "seed_luck", "texts", "effect", "studies", "finds_interaction")
    writer = csv.DictWriter(sys.stdout, columns)
    writer.writeheader()
    for seeds, shape, luck in itertools.product((2, 3, 5, 10), ((2, 2), (2, 6), (3, 6), (2, 12)), (0.0, 0.1, 0.3)):
        simulate.SEEDS = seeds
        for effect in ("none", "one encoder", "one cell") if seeds == 5 else ("none",):
            generator = np.random.default_rng([seeds, *shape])
            found = [p_value(generator, effect, shape, luck) < 0.05 for _ in range(studies)]
            writer.writerow({"encoders": shape[0], "poolings": shape[1], "seeds": seeds, "seed_luck": luck,
                             "texts": TEXTS, "effect": effect, "studies": studies,
                             "finds_interaction": f"{np.mean(found):.4f}"})  # fmt: skip
            sys.stdout.flush()


if __name__ == "__main__":
    main()
