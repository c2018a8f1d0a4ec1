"""`python -m corpuskit.cli`: the same as the command `corpuskit`."""

from corpuskit.cli import main

if __name__ == "__main__":
    main()
