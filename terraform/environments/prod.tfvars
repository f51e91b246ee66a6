# prod: survives the loss of a zone without losing data. docs/guides/cost.md lists the monthly cost of each line. Fill in
# the lines marked FILL.

name        = "anden-prod"
environment = "prod"
region      = "eu-west-1"
zones       = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
cidr        = "10.41.0.0/16"
domain      = "data.example.org" # FILL
zone_id     = "ZFILLMEIN"        # FILL

nat_mode            = "per_zone"
interface_endpoints = ["ecr.api", "ecr.dkr", "sts", "logs", "secretsmanager"]
flow_log_traffic    = "ALL"
protected           = true

kubernetes_version = "1.35"
addon_versions = {
  vpc-cni                = "v1.20.4-eksbuild.1"
  kube-proxy             = "v1.35.0-eksbuild.1"
  coredns                = "v1.12.4-eksbuild.1"
  eks-pod-identity-agent = "v1.3.9-eksbuild.1"
  aws-ebs-csi-driver     = "v1.51.0-eksbuild.1"
  metrics-server         = "v0.8.0-eksbuild.2"
}
node_groups = {
  general = { instance_types = ["m7g.xlarge"], min_size = 3, max_size = 9 }
}

kafka = {
  instance_type    = "kafka.m7g.large"
  brokers_per_zone = 1
  storage_gib      = 100
  storage_max_gib  = 1000
  topics           = ["flights", "airlines", "airports", "planes", "weather", "persons", "probe"]
}

postgres = {
  mode            = "rds"
  instance_class  = "db.m7g.large"
  storage_gib     = 100
  storage_max_gib = 1000
  multi_az        = true
  backup_days     = 14
}

edge = { requests_per_second = 500, requests_burst = 1000, waf_requests_per_5_minutes = 20000 }

log_retention_days = 90
monthly_usd        = 2500
