# Overrides modules/eks in a copy: resources that the emulator rejects. The plan tests cover them with a mocked provider.

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
