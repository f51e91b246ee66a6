# Over modules/eks in a copy: what the emulator refuses. The plan's tests look at these with a mocked provider.

resource "aws_eks_access_entry" "this" {
  for_each = {}
}

resource "aws_eks_access_policy_association" "this" {
  for_each = {}
}

resource "aws_eks_addon" "before_nodes" {
  for_each = {}
}

resource "aws_eks_addon" "after_nodes" {
  for_each = {}
}

resource "aws_eks_pod_identity_association" "this" {
  for_each = {}
}

resource "aws_eks_pod_identity_association" "addon" {
  for_each = {}
}
