"""`python -m walkin` is `walkin`."""

from walkin.cli import main

if __name__ == "__main__":
    main()
