# dev: as cheap as possible with the same parts. docs/guides/cost.md lists the monthly cost of each line.
# Fill in the lines marked FILL.

name        = "anden-dev"
environment = "dev"
region      = "eu-west-1"
zones       = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
cidr        = "10.40.0.0/16"
domain      = "dev.data.example.org" # FILL
zone_id     = "ZFILLMEIN"            # FILL

nat_mode         = "single"
flow_log_traffic = "REJECT"
protected        = false

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
  general = { instance_types = ["t4g.large"], min_size = 2, max_size = 4, capacity_type = "SPOT" }
}

kafka = {
  instance_type    = "kafka.t3.small"
  brokers_per_zone = 1
  storage_gib      = 10
  storage_max_gib  = 50
  topics           = ["flights", "airlines", "airports", "planes", "weather", "persons", "probe"]
}

postgres = {
  mode            = "rds"
  instance_class  = "db.t4g.medium"
  storage_gib     = 20
  storage_max_gib = 100
  multi_az        = false
  backup_days     = 1
}

edge = { requests_per_second = 50, requests_burst = 100, waf_requests_per_5_minutes = 0 }

log_retention_days = 7
monthly_usd        = 450
