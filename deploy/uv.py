"""Run uv against the package index, mirrors and certificates that pip is configured for.

uv does not read pip's configuration; this hands it over by uv's own variables, unless they are
set.  The locks hold hashes and no addresses, so any index that has the same files serves.
"""

import ast
import os
import subprocess
import sys

# uv's variable, the separator of its list, and pip's option.
SETTINGS = (
    ("UV_DEFAULT_INDEX", " ", "index-url"),
    ("UV_INDEX", " ", "extra-index-url"),
    ("UV_FIND_LINKS", ",", "find-links"),
    ("SSL_CERT_FILE", " ", "cert"),
)


def pip_options() -> dict[str, str]:
    """Return pip's options by name; the environment outranks the files, as in pip."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        capture_output=True,
        text=True,
        check=True,
    )
    options: dict[str, str] = {}
    lines = (line.partition("=") for line in listed.stdout.splitlines())
    for name, _, value in sorted(lines, key=lambda line: line[0].startswith(":env:")):
        options[name.rpartition(".")[2]] = str(ast.literal_eval(value))
    return options


def main() -> int:
    """Run uv with the arguments given and return its exit code."""
    options = pip_options()
    env = dict(os.environ)
    for variable, separator, option in SETTINGS:
        if option in options:
            env.setdefault(variable, separator.join(options[option].split()))
    # pip looks into every index; which file is taken is decided by its hash.
    env.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    command = [sys.executable, "-m", "uv", *sys.argv[1:]]
    return subprocess.run(command, env=env, check=False).returncode  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
