"""`python -m skills_engine` is `skills`."""

from skills_engine.cli import main

if __name__ == "__main__":
    main()
