# Argo CD, and the few objects that it begins with. No kubernetes_manifest: it asks the cluster for definitions while
# planning, when there are none.

locals {
  charts = { for path in fileset(var.chart_directory, "*/Chart.yaml") : dirname(path) => yamldecode(file("${var.chart_directory}/${path}")) }

  # What an apply that somebody reviewed has seen in charts/, and nothing that came later.
  chart_repositories = distinct(flatten([
    for chart in values(local.charts) : [
      for dependency in try(chart.dependencies, []) : trimprefix(dependency.repository, "oci://")
    ]
  ]))

  annotations = {
    for key, value in var.station : "anden/${replace(key, "_", "-")}" => value == null ? "" : tostring(value)
    if can(tostring(value))
  }

  health = {
    for kind in ["Application", "ApplicationSet"] :
    "resource.customizations.health.argoproj.io_${kind}" => file("${path.module}/health/${lower(kind)}.lua")
  }
}

resource "helm_release" "argo_cd" {
  name             = "argocd"
  namespace        = "argocd"
  create_namespace = true
  repository       = "https://argoproj.github.io/argo-helm"
  chart            = "argo-cd"
  version          = var.argo_cd_version
  wait             = true
  timeout          = 600

  values = compact([
    file("${path.module}/values/argocd.yaml"),
    var.highly_available ? file("${path.module}/values/argocd-ha.yaml") : "",
    yamlencode({ configs = { cm = local.health } }),
  ])
}

resource "helm_release" "root" {
  name      = "root"
  namespace = helm_release.argo_cd.namespace
  chart     = "${path.module}/charts/root"

  # Also at destroy: the root Application goes only when what it made has gone, while Argo CD is still there.
  wait    = true
  timeout = 900

  values = [yamlencode({
    annotations       = local.annotations
    environment       = var.station.environment
    postgresMode      = var.station.postgres_mode
    repository        = var.repository
    revision          = var.revision
    namespaces        = sort(keys(local.charts))
    chartRepositories = sort(local.chart_repositories)
  })]
}
