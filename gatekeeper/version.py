"""The version, alone, so that neither packaging nor `--version` imports anything else."""

from typing import Final


VERSION: Final = "0.1.0"
