"""Ask this web replica whether it is ready, over mutual TLS: readiness.py PORT CERTIFICATES."""

import http.client
import ssl
import sys
from pathlib import Path


def is_ready(port: int, folder: Path) -> bool:
    """Tell whether /readyz answers 200, to and from certificates of the private authority."""
    context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=4)
    try:
        connection.request("GET", "/readyz", headers={"Host": "web"})
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if is_ready(int(sys.argv[1]), Path(sys.argv[2])) else 1)
