"""Runs every stage with each deliberate mistake of src/mutation.rs and writes docs/mutations.md: which claims notice.

    python3 scripts/mutations.py [ARGUMENTS OF run, such as a stage or --profile quick]

Each mutation is a build of its own with a store of its own below mutated/. An interrupted call goes on where it was.
"""

import json
import subprocess
import sys
from collections import Counter

MUTATIONS = {
    "predictions": "every prediction is made for 1.25 times the signal-to-noise ratio",
    "weights": "the weights of the Hessian are ones",
    "labels": "residuals in the gradient matrix are of the next label",
    "noise": "the effective dynamics lack the term of the step noise",
}


def call(mutation, *arguments):
    """Standard output of the program with a mutation, or without one."""
    features = ["--features", f"mutate-{mutation}"] if mutation else []
    command = ["cargo", "run", "--release", "--locked", "--quiet", *features, "--", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f"{' '.join(command)}: status {done.returncode}")
    return done.stdout


def verdicts(mutation, options):
    """Verdict and stage of every claim."""
    rows = json.loads(call(mutation, "claims", "--json", *options))
    return {row["id"]: row["verdict"] for row in rows}


def main():
    arguments = sys.argv[1:]
    options = [word for word in arguments if word.startswith("--")]
    if "--profile" in arguments:
        options = ["--profile", arguments[arguments.index("--profile") + 1]]
    found = {None: verdicts(None, options)}
    for mutation in MUTATIONS:
        call(mutation, "run", *arguments)
        found[mutation] = verdicts(mutation, options)
    base = found[None]
    lines = ["# Mutations", "", "Written by `just mutations`. A claim that no mistake can touch says nothing about what the mistake", 
             "changes: for each deliberate mistake (`src/mutation.rs`), the verdicts of the claims that hold without it.", ""]
    lines += [f"- *{name}*: {words}" for name, words in MUTATIONS.items()]
    lines += ["", "| group | " + " | ".join(f"lost to {name}" for name in MUTATIONS) + " | hold without |",
              "|---|" + "---|" * (len(MUTATIONS) + 1)]
    holding = [claim for claim, verdict in base.items() if verdict == "holds"]
    groups = Counter(claim[0] for claim in holding)
    for group in sorted(groups):
        lost = [sum(1 for claim in holding if claim[0] == group and found[name].get(claim) != "holds")
                for name in MUTATIONS]
        lines.append(f"| {group} | " + " | ".join(map(str, lost)) + f" | {groups[group]} |")
    lines += ["", "| claim | " + " | ".join(MUTATIONS) + " |", "|---|" + "---|" * len(MUTATIONS)]
    for claim in holding:
        row = [found[name].get(claim, "gone") for name in MUTATIONS]
        lines.append(f"| {claim} | " + " | ".join("" if word == "holds" else word for word in row) + " |")
    with open("docs/mutations.md", "w", encoding="utf-8") as page:
        page.write("\n".join(lines) + "\n")
    print("\n".join(lines[:14]))


if __name__ == "__main__":
    main()
