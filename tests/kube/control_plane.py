"""A real control plane as plain processes on 127.0.0.1: etcd and kube-apiserver with certificates of their own.

There is no controller and no kubelet: tests play their part through the same API.
"""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import subprocess
import urllib.request
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from polling import until

READY_SECONDS = 120.0


class Authority:
    """A CA with the certificates of one cluster, as PEM files in a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ca")])
        self._write("ca", self.key, self._builder(self.name, self.key).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), True).sign(self.key, hashes.SHA256()))

    def certificate(self, name: str, group: str = "", server: bool = False) -> tuple[Path, Path]:
        """(certificate, key) of a user in a group, or of the API server."""
        key = ec.generate_private_key(ec.SECP256R1())
        said = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
        if group:
            said.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, group))
        usage = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = self._builder(x509.Name(said), key).add_extension(x509.ExtendedKeyUsage([usage]), False)
        if server:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        self._write(name, key, builder.sign(self.key, hashes.SHA256()))
        return self.directory / f"{name}.crt", self.directory / f"{name}.key"

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(key.public_key())
                .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
                .not_valid_after(now + datetime.timedelta(days=1)))

    def _write(self, name: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        write_key(self.directory / f"{name}.key", key)
        (self.directory / f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def write_key(path: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL,
                                       serialization.NoEncryption()))
    path.chmod(0o600)


class ControlPlane:
    """`with ControlPlane(binaries, work) as plane`: ready inside, its processes gone afterwards."""

    def __init__(self, binaries: Path, work: Path) -> None:
        self.binaries, self.work = binaries, work
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> ControlPlane:
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._processes):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def kubeconfig(self, user: str, group: str = "") -> Path:
        """A kubeconfig of this user with a client certificate."""
        certificate, key = self.authority.certificate(user, group)
        path = self.work / f"{user}.conf"
        path.write_text(yaml.safe_dump({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": self.url,
                                                   "certificate-authority": str(self.authority.directory / "ca.crt")}}],
            "users": [{"name": "u", "user": {"client-certificate": str(certificate), "client-key": str(key)}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}]}))
        path.chmod(0o600)
        return path

    def _start(self) -> None:
        self.authority = Authority(self.work / "pki")
        certificate, key = self.authority.certificate("apiserver", server=True)
        ca, accounts = self.authority.directory / "ca.crt", self.authority.directory / "accounts.key"
        write_key(accounts, rsa.generate_private_key(65537, 2048))
        clients, peers, port = _free_port(), _free_port(), _free_port()
        self.url = f"https://127.0.0.1:{port}"
        self._run("etcd", f"--data-dir={self.work / 'etcd'}", f"--listen-client-urls=http://127.0.0.1:{clients}",
                  f"--advertise-client-urls=http://127.0.0.1:{clients}", f"--listen-peer-urls=http://127.0.0.1:{peers}",
                  f"--initial-advertise-peer-urls=http://127.0.0.1:{peers}",
                  f"--initial-cluster=default=http://127.0.0.1:{peers}", "--unsafe-no-fsync", "--log-level=warn")
        self._wait(f"http://127.0.0.1:{clients}/health", None)
        # Nobody makes default service accounts here, so the plugin that asks for them is off.
        self._run("kube-apiserver", f"--etcd-servers=http://127.0.0.1:{clients}", "--bind-address=127.0.0.1",
                  "--advertise-address=127.0.0.1", f"--secure-port={port}", "--endpoint-reconciler-type=none",
                  f"--tls-cert-file={certificate}", f"--tls-private-key-file={key}", f"--client-ca-file={ca}",
                  "--authorization-mode=RBAC", "--service-account-issuer=https://kubernetes.default.svc",
                  f"--service-account-key-file={accounts}", f"--service-account-signing-key-file={accounts}",
                  "--service-cluster-ip-range=10.0.0.0/24", "--profiling=false", "--disable-admission-plugins=ServiceAccount")
        self._wait(f"{self.url}/readyz", ssl.create_default_context(cafile=str(ca)))

    def _run(self, name: str, *arguments: str) -> None:
        with (self.work / f"{name}.log").open("ab") as log:
            self._processes.append(subprocess.Popen([self.binaries / name, *arguments], stdin=subprocess.DEVNULL,
                                                    stdout=log, stderr=log, start_new_session=True))

    def _wait(self, url: str, context: ssl.SSLContext | None) -> None:
        process = self._processes[-1]

        def ready() -> bool:
            assert process.poll() is None, f"{process.args} ended with {process.returncode}; see the logs in {self.work}"
            try:
                with urllib.request.urlopen(url, timeout=2, context=context) as answer:
                    return answer.status == 200
            except OSError:
                return False

        until(ready, bool, seconds=READY_SECONDS)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
