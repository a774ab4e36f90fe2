"""Let this image trust what the building machine trusts, so that `pip install` works in images built from it.

Each certificate goes to a file of its own below /usr/local/share/ca-certificates: `update-ca-certificates` keeps those,
and a Dockerfile under test may run it again.
"""

import re
import sys
from pathlib import Path

BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n?", re.DOTALL)
SYSTEM = Path("/etc/ssl/certs/ca-certificates.crt")
LOCAL = Path("/usr/local/share/ca-certificates/host")

known = {"".join(block.split()) for block in BLOCK.findall(SYSTEM.read_text())}
LOCAL.mkdir(parents=True)
for number, block in enumerate(BLOCK.findall(Path(sys.argv[1]).read_text())):
    if "".join(block.split()) not in known:
        (LOCAL / f"{number}.crt").write_text(block)
