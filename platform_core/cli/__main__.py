"""`python -m platform_core.cli`: the same as `webstore`."""

from platform_core.cli import main

if __name__ == "__main__":
    main()
