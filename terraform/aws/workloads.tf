# AWS permissions of each service account. The charts use the same namespaces and accounts; a test compares them.

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

    # Writes missing values and reads none: DescribeSecret returns metadata only. Secrets Manager decrypts only for
    # principals that may read the value.
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

    # Registers pods in Terraform's target group. It creates no load balancer, listener or rule, so it may not.
    load-balancer-controller = [
      {
        Sid    = "Describe"
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
        Sid      = "Register"
        Effect   = "Allow"
        Action   = ["elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets"]
        Resource = module.edge.target_group_arn
      },
    ]

    external-dns = [
      {
        Sid      = "List"
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

    # GetMetricData and ListMetrics do not support resource-level permissions.
    cloudwatch-collector = local.read_metrics
    grafana              = local.read_metrics
  }

  read_metrics = [
    {
      Sid      = "ReadMetrics"
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

  # Only with the operator: it names the service account of a database cluster's pods after the cluster.
  backups_arn = "arn:${local.partition}:s3:::${coalesce(module.postgres.backup_bucket, "none")}"

  read_backups = [
    {
      Sid      = "List"
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
