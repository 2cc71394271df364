"""The Kubernetes Nodes that hosts have become: whether they are in service, and taking them out of it and back."""

from bpa.adapters.kubernetes.nodes import KubernetesNodes
from bpa.adapters.kubernetes.reading import ANNOTATION, Known

__all__ = ["ANNOTATION", "Known", "KubernetesNodes"]
