"""Start of the packaged program."""

from app.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
