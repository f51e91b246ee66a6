# Argo CD and the objects that bootstrap it. Not with kubernetes_manifest, which needs the CRDs at plan time, before they
# exist.

locals {
  charts = { for path in fileset(var.chart_directory, "*/Chart.yaml") : dirname(path) => yamldecode(file("${var.chart_directory}/${path}")) }

  # Chart repositories in charts/ at the time of a reviewed apply; later additions need another apply.
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

  # Also at destroy: the root Application is deleted after everything it created, while Argo CD still runs.
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
