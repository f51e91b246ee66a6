# OIDC access without keys: HCP Terraform runs and the image pipeline. The plan role reads, the apply role writes.

locals {
  terraform_host = "app.terraform.io"
  github_host    = "token.actions.githubusercontent.com"

  phases = { plan = "plan", apply = "apply" }
}

resource "aws_iam_openid_connect_provider" "terraform" {
  url            = "https://${local.terraform_host}"
  client_id_list = ["aws.workload.identity"]
}

resource "aws_iam_openid_connect_provider" "github" {
  url            = "https://${local.github_host}"
  client_id_list = ["sts.amazonaws.com"]
}

resource "aws_iam_role" "terraform" {
  for_each = local.phases

  name                 = "${var.name}-terraform-${each.key}"
  max_session_duration = 7200

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = aws_iam_openid_connect_provider.terraform.arn }
      Condition = {
        StringEquals = {
          "${local.terraform_host}:aud" = "aws.workload.identity"
          "${local.terraform_host}:sub" = [
            for workspace in sort(var.terraform_workspaces) :
            "organization:${var.terraform_organization}:project:${var.terraform_project}:workspace:${workspace}:run_phase:${each.value}"
          ]
        }
      }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "plan" {
  role       = aws_iam_role.terraform["plan"].name
  policy_arn = "arn:${var.partition}:iam::aws:policy/ReadOnlyAccess"
}

# A plan may read everything except secrets.
resource "aws_iam_role_policy" "plan" {
  name = "no-secrets"
  role = aws_iam_role.terraform["plan"].name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "NoSecrets"
        Effect   = "Deny"
        Action   = ["secretsmanager:GetSecretValue", "ssm:GetParameter*", "s3:GetObject"]
        Resource = "*"
      },
      {
        Sid       = "NothingDecrypted"
        Effect    = "Deny"
        Action    = "kms:Decrypt"
        Resource  = "*"
        Condition = { StringNotLike = { "kms:ViaService" = "lambda.*.amazonaws.com" } }
      },
      {
        # Without decryption Lambda reports no variables, and each plan would write them again.
        Sid       = "VariablesOfFunctions"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = "*"
        Condition = { StringLike = { "kms:ViaService" = "lambda.*.amazonaws.com" } }
      },
    ]
  })
}

# It creates roles, networks and keys, so it is an administrator in effect: restrict who may start an apply.
resource "aws_iam_role_policy_attachment" "apply" {
  role       = aws_iam_role.terraform["apply"].name
  policy_arn = "arn:${var.partition}:iam::aws:policy/AdministratorAccess"
}

resource "aws_iam_role" "image" {
  name = "${var.name}-image"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = aws_iam_openid_connect_provider.github.arn }
      Condition = {
        StringEquals = {
          "${local.github_host}:aud" = "sts.amazonaws.com"
          "${local.github_host}:sub" = "repo:${var.github_repository}:ref:refs/heads/main"
        }
      }
    }]
  })
}

resource "aws_iam_role_policy" "image" {
  name = "push-image"
  role = aws_iam_role.image.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "LogIn"
        Effect   = "Allow"
        Action   = "ecr:GetAuthorizationToken"
        Resource = "*"
      },
      {
        Sid    = "Push"
        Effect = "Allow"
        Action = [
          "ecr:BatchCheckLayerAvailability",
          "ecr:BatchGetImage",
          "ecr:CompleteLayerUpload",
          "ecr:GetDownloadUrlForLayer",
          "ecr:InitiateLayerUpload",
          "ecr:PutImage",
          "ecr:UploadLayerPart",
        ]
        Resource = var.registry_arn
      },
    ]
  })
}
