"""A site of any number of hosts, as documents."""

from pathlib import Path

HOST = """apiVersion: metal3.io/v1alpha1
kind: BareMetalHost
metadata:
  name: node-{n}
spec:
  online: true
  bootMACAddress: "{mac}"
  bmc:
    address: redfish-virtualmedia+https://192.0.2.1:8000/redfish/v1/Systems/node-{n}
    credentialsName: bmc
  rootDeviceHints:
    serialNumber: DISK{n}
  image:
    url: http://192.0.2.2/images/debian-12.raw
    checksum: {checksum}
    checksumType: sha256
    format: raw
"""
SITE = """apiVersion: bpa.akraino.org/v1alpha1
kind: Site
metadata: {name: many}
spec:
  kud: {installer: kud/installer}
---
apiVersion: v1
kind: Secret
metadata: {name: bmc}
stringData: {username: admin, password: secret}
"""
CLUSTER = """apiVersion: bpa.akraino.org/v1alpha1
kind: Provisioning
metadata: {{name: many, labels: {{cluster: many}}}}
spec:
  profile: {profile}
  PodSubnet: 172.21.64.0/18
  masters:
    - node-0: {{mac-address: "{mac}"}}
"""


def mac(number: int) -> str:
    return f"52:54:{number >> 24 & 255:02x}:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"


def write_site(directory: Path, hosts: int, profile: str = "lab") -> Path:
    """Write the documents of a site with this many hosts, all in one cluster; returns the directory."""
    (directory / "kud").mkdir(parents=True, exist_ok=True)
    (directory / "kud" / "installer").write_text("#!/bin/sh\n")
    (directory / "kud" / "installer").chmod(0o755)
    texts = [HOST.format(n=n, mac=mac(n), checksum="ab" * 32) for n in range(hosts)]
    (directory / "hosts.yaml").write_text("---\n".join(texts))
    (directory / "site.yaml").write_text(SITE)
    workers = "".join(f'    - node-{n}: {{mac-address: "{mac(n)}"}}\n' for n in range(1, hosts))
    (directory / "cluster.yaml").write_text(
        CLUSTER.format(profile=profile, mac=mac(0)) + (f"  workers:\n{workers}" if workers else ""))
    return directory
