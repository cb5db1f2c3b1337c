"""A real OpenID Connect provider on loopback, in a process of its own."""

import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import httpx

CLIENT = "soil-health-observatory"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Provider:
    """oidc-provider-mock with a key pair of its own. Started again on the same port, it has another one."""

    port: int
    token_s: int = 3600
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> "Provider":
        command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock"]
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port), f"--token-max-age={self.token_s}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + 60
        while True:
            try:
                httpx.get(f"{self.issuer}/jwks").raise_for_status()
            except httpx.HTTPError:
                assert self.process.poll() is None
                assert time.monotonic() < end
                time.sleep(0.1)
            else:
                return self

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(timeout=30)

    def token(self, subject: str, *, client: str = CLIENT, name: str = "Alice Liddell") -> str:
        """Sign in as a browser does, and come back with an ID token."""
        back = "http://127.0.0.1/back"
        with httpx.Client(base_url=self.issuer) as browser:
            browser.put(f"/users/{subject}", json={"name": name}).raise_for_status()
            asked = {"response_type": "code", "client_id": client, "redirect_uri": back, "scope": "openid profile"}
            sent = browser.post("/oauth2/authorize", params=asked, data={"sub": subject})
            code = parse_qs(urlsplit(sent.headers["location"]).query)["code"][0]
            given = browser.post(
                "/oauth2/token",
                data={"grant_type": "authorization_code", "code": code, "redirect_uri": back},
                auth=(client, "secret"),
            )
            return str(given.raise_for_status().json()["id_token"])
