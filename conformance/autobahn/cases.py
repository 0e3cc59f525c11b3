"""The cases of the Autobahn test suite: which exist, which a selection takes, which verdict will do."""

import re

# How many cases each sub-group holds. The suite lists in its report only what it has run; with
# this table a case that it never came to is noticed.
SIZES = {
    **{"1.1": 8, "1.2": 8, "2": 11, "3": 7, "4.1": 5, "4.2": 5, "5": 20},
    **{"6.1": 3, "6.2": 4, "6.3": 2, "6.4": 4, "6.5": 5, "6.6": 11, "6.7": 4, "6.8": 2},
    **{"6.9": 4, "6.10": 3, "6.11": 5, "6.12": 8, "6.13": 5, "6.14": 10, "6.15": 1, "6.16": 3},
    **{"6.17": 5, "6.18": 5, "6.19": 5, "6.20": 7, "6.21": 8, "6.22": 34, "6.23": 7},
    **{"7.1": 6, "7.3": 6, "7.5": 1, "7.7": 13, "7.9": 9, "7.13": 2},
    **{"9.1": 6, "9.2": 6, "9.3": 9, "9.4": 9, "9.5": 6, "9.6": 6, "9.7": 6, "9.8": 6, "10.1": 1},
    # permessage-deflate: five kinds of payload, then seven sets of parameters.
    **{f"12.{payload}": 18 for payload in range(1, 6)},
    **{f"13.{parameters}": 18 for parameters in range(1, 8)},
}

# The suite has no opinion about these: what a peer makes of frames behind a close that it has
# not read yet, and of close codes that no RFC defines.
INFORMATIONAL = {"7.1.6", "7.13.1", "7.13.2"}


def select(wanted, excluded):
    """The cases that the suite runs for these patterns, in its order."""
    every = [f"{group}.{case}" for group, size in SIZES.items() for case in range(1, size + 1)]
    return [case for case in every if matches(case, wanted) and not matches(case, excluded)]


def matches(case, patterns):
    # As the suite has it: with a star a pattern matches as a prefix, without one exactly.
    return any(
        re.match(re.escape(pattern).replace(r"\*", ".*"), case) if "*" in pattern else pattern == case
        for pattern in patterns
    )


def acceptable(case, behavior, closing):
    """Whether a verdict is as good as it gets for this case."""
    if case in INFORMATIONAL:
        return behavior == "INFORMATIONAL" and closing in ("OK", "INFORMATIONAL")
    return (behavior, closing) == ("OK", "OK")
