"""Adds up the numbers in /in/numbers."""

with open("/in/numbers") as numbers, open("/out/sum", "w") as out:
    print(sum(int(line) for line in numbers), file=out)
