# What each service account may do in AWS, and nothing more. Charts name the same namespaces and accounts: a test joins
# the two.

locals {
  own_secret_arns = compact(concat(
    values(module.secrets.arns),
    [module.postgres.admin_secret_arn, module.edge.probe_secret_arn],
  ))

  statements = {
    external-secrets = [
      {
        Sid      = "OwnSecrets"
        Effect   = "Allow"
        Action   = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
        Resource = local.own_secret_arns
      },
      {
        Sid      = "Decrypt"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = module.security.kms_key_arn
      },
    ]

    # Writes values that are missing, and can read none: what there is of a secret, not what it holds. Secrets Manager
    # decrypts for nobody who may not read the value.
    secrets = [
      {
        Sid      = "OwnValues"
        Effect   = "Allow"
        Action   = ["secretsmanager:DescribeSecret", "secretsmanager:PutSecretValue"]
        Resource = module.secrets.generated_arns
      },
      {
        Sid       = "Encrypt"
        Effect    = "Allow"
        Action    = ["kms:GenerateDataKey", "kms:Decrypt"]
        Resource  = module.security.kms_key_arn
        Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${var.region}.amazonaws.com" } }
      },
    ]

    # Pods join a target group that Terraform owns: it makes no load balancer, listener or rule, and needs no right to.
    load-balancer-controller = [
      {
        Sid    = "Look"
        Effect = "Allow"
        Action = [
          "ec2:DescribeAvailabilityZones",
          "ec2:DescribeInstances",
          "ec2:DescribeNetworkInterfaces",
          "ec2:DescribeSecurityGroups",
          "ec2:DescribeSubnets",
          "ec2:DescribeVpcs",
          "elasticloadbalancing:DescribeTargetGroups",
          "elasticloadbalancing:DescribeTargetGroupAttributes",
          "elasticloadbalancing:DescribeTargetHealth",
        ]
        Resource = "*"
      },
      {
        Sid      = "Join"
        Effect   = "Allow"
        Action   = ["elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets"]
        Resource = module.edge.target_group_arn
      },
    ]

    external-dns = [
      {
        Sid      = "Look"
        Effect   = "Allow"
        Action   = ["route53:ListHostedZones", "route53:ListTagsForResources"]
        Resource = "*"
      },
      {
        Sid      = "OneZone"
        Effect   = "Allow"
        Action   = ["route53:ChangeResourceRecordSets", "route53:ListResourceRecordSets"]
        Resource = "arn:${local.partition}:route53:::hostedzone/${var.zone_id}"
      },
    ]

    # GetMetricData and ListMetrics know no resources.
    cloudwatch-collector = local.read_metrics
    grafana              = local.read_metrics
  }

  read_metrics = [
    {
      Sid      = "Look"
      Effect   = "Allow"
      Action   = ["cloudwatch:GetMetricData", "cloudwatch:ListMetrics", "cloudwatch:DescribeAlarms"]
      Resource = "*"
    },
  ]

  policies = merge(
    { for name, statements in local.statements : name => jsonencode({ Version = "2012-10-17", Statement = statements }) },
    {
      ingest = module.kafka.worker_policy_json
      lag    = module.kafka.worker_policy_json
      topics = module.kafka.topics_policy_json
      celery = module.queue.policy_json
    },
  )

  accounts = {
    external-secrets         = { namespace = "external-secrets", service_account = "external-secrets" }
    secrets                  = { namespace = "secrets", service_account = "secrets" }
    load-balancer-controller = { namespace = "aws-load-balancer-controller", service_account = "aws-load-balancer-controller" }
    external-dns             = { namespace = "external-dns", service_account = "external-dns" }
    grafana                  = { namespace = "kube-prometheus-stack", service_account = "kube-prometheus-stack-grafana" }
    cloudwatch-collector     = { namespace = "anden", service_account = "anden-cloudwatch" }
    ingest                   = { namespace = "anden", service_account = "anden-ingest" }
    lag                      = { namespace = "anden", service_account = "anden-lag" }
    topics                   = { namespace = "anden", service_account = "anden-topics" }
    celery                   = { namespace = "anden", service_account = "anden-celery" }
  }

  # Only where the operator runs PostgreSQL: pods of a cluster have an account of its name, which the chart gives.
  backups_arn = "arn:${local.partition}:s3:::${coalesce(module.postgres.backup_bucket, "none")}"

  read_backups = [
    {
      Sid      = "Look"
      Effect   = "Allow"
      Action   = "s3:ListBucket"
      Resource = local.backups_arn
    },
    {
      Sid      = "Read"
      Effect   = "Allow"
      Action   = "s3:GetObject"
      Resource = "${local.backups_arn}/*"
    },
    {
      Sid      = "Decrypt"
      Effect   = "Allow"
      Action   = "kms:Decrypt"
      Resource = module.security.kms_key_arn
    },
  ]

  write_backups = [
    {
      Sid      = "Write"
      Effect   = "Allow"
      Action   = ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
      Resource = "${local.backups_arn}/*"
    },
    {
      Sid      = "Encrypt"
      Effect   = "Allow"
      Action   = "kms:GenerateDataKey"
      Resource = module.security.kms_key_arn
    },
  ]

  databases = {
    for name, statements in {
      station          = concat(local.read_backups, local.write_backups)
      station-restored = local.read_backups
      } : "database-${name}" => {
      namespace       = "cloudnative-pg"
      service_account = name
      policy_json     = jsonencode({ Version = "2012-10-17", Statement = statements })
    } if var.postgres.mode == "cloudnativepg"
  }

  workloads = merge(
    local.databases,
    { for name, account in local.accounts : name => merge(account, { policy_json = local.policies[name] }) },
  )
}
