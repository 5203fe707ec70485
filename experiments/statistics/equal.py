"""How often a study of equally good poolings says that one is the best, or that some are worse than others.

    python experiments/statistics/equal.py [STUDIES] > experiments/statistics/equal.csv

*Joint* is what the report says: all differences as one family. *Hsu* is the one-sided comparison with the best.
"""

import csv
import sys

import numpy as np
import simulate
from simulate import runs, scores

from poolsweep.statistics import compare_with_best, critical, pairwise_differences, simultaneous

critical.NUM_POINTS = 2**12  # quantiles to 0.02, in a fraction of the time


def verdicts(generator, num, *, luck, num_texts):
    """Method → the leading set of one study of ``num`` equal poolings."""
    tables = runs(generator, [0.8] * num, luck=luck, num_texts=num_texts)
    pairwise = pairwise_differences({str(i): scores(table) for i, table in enumerate(tables)})
    return {"joint": simultaneous(pairwise).leading(), "Hsu": compare_with_best(pairwise).leading}


def main():
    """Write every row."""
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else 4000
    writer = csv.DictWriter(
        sys.stdout, ("seeds", "seed_luck", "texts", "poolings", "method", "studies", "one_is_best", "first_is_best",
                     "some_are_worse")
    )  # fmt: skip
    writer.writeheader()
    for seeds, luck, num_texts in ((5, 0.1, 200), (5, 0.3, 200), (2, 0.1, 200)):
        simulate.SEEDS = seeds
        for num in (2, 3, 6, 12):
            generator = np.random.default_rng([num, seeds])
            found = [verdicts(generator, num, luck=luck, num_texts=num_texts) for _ in range(studies)]
            for method in ("joint", "Hsu"):
                leading = [one[method] for one in found]
                shares = {
                    "one_is_best": np.mean([len(names) == 1 for names in leading]),
                    "first_is_best": np.mean([names == ("0",) for names in leading]),
                    "some_are_worse": np.mean([len(names) < num for names in leading]),
                }
                cells = {name: f"{share:.4f}" for name, share in shares.items()}
                writer.writerow({"seeds": seeds, "seed_luck": luck, "texts": num_texts, "poolings": num,
                                 "method": method, "studies": studies, **cells})  # fmt: skip
            sys.stdout.flush()


if __name__ == "__main__":
    main()
