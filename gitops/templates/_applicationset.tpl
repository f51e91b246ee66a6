{{- /* An Argo CD template that reads an annotation of the cluster Secret; a missing one stops the ApplicationSet. */}}
{{- define "gitops.annotation" -}}
{{- $annotation := printf "anden/%s" (kebabcase .key) -}}
{{- if has .key .station.required -}}
{{ "{{" }} with index .metadata.annotations "{{ $annotation }}" {{ "}}{{" }} . {{ "}}{{" }} else {{ "}}{{" }} fail "the cluster Secret has no annotation {{ $annotation }}" {{ "}}{{" }} end {{ "}}" }}
{{- else if has .key .station.optional -}}
{{ "{{" }} index .metadata.annotations "{{ $annotation }}" {{ "}}" }}
{{- else -}}
{{ fail (printf "the cluster Secret has no key %s" .key) }}
{{- end -}}
{{- end -}}

{{- /* One wave: name, position and directories. */}}
{{- define "gitops.applicationset" -}}
{{- $values := .values -}}
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata:
  name: {{ .name }}
  namespace: {{ .namespace }}
  annotations:
    argocd.argoproj.io/sync-wave: {{ .wave | quote }}
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - matrix:
        generators:
          - git:
              repoURL: {{ $values.repository | quote }}
              revision: {{ $values.revision | quote }}
              # An ApplicationSet is not notified of its Applications' health: it polls, so that the next wave can start.
              requeueAfterSeconds: 30
              directories:
                {{- toYaml .directories | nindent 16 }}
          - clusters:
              selector:
                matchLabels:
                  argocd.argoproj.io/secret-type: cluster
                matchExpressions:
                  - {key: anden/environment, operator: Exists}
  # Keep automated sync off if you disabled it by hand, as during a restore.
  ignoreApplicationDifferences:
    - jsonPointers: [/spec/syncPolicy/automated]
  syncPolicy:
    preserveResourcesOnDeletion: {{ .preserved }}
  template:
    metadata:
      name: '{{ "{{" }} .path.basename {{ "}}" }}'
      {{- if not .preserved }}
      finalizers: [resources-finalizer.argocd.argoproj.io]
      {{- end }}
    spec:
      project: station
      source:
        repoURL: {{ $values.repository | quote }}
        targetRevision: {{ $values.revision | quote }}
        path: '{{ "{{" }} .path.path {{ "}}" }}'
        helm:
          ignoreMissingValueFiles: true
          valueFiles:
            - values.yaml
            - values-image.yaml
            - 'values-{{ include "gitops.annotation" (dict "key" "environment" "station" $values.station) }}.yaml'
          valuesObject:
            global:
              station:
                {{- range concat $values.station.required $values.station.optional | sortAlpha }}
                {{ . }}: '{{ include "gitops.annotation" (dict "key" . "station" $values.station) }}'
                {{- end }}
      destination:
        server: '{{ "{{" }} .server {{ "}}" }}'
        namespace: '{{ "{{" }} .path.basename {{ "}}" }}'
      syncPolicy:
        automated: {prune: true, selfHeal: true}
        syncOptions:
          - CreateNamespace=true
          - ServerSideApply=true
          - SkipDryRunOnMissingResource=true
          - RespectIgnoreDifferences=true
        retry:
          limit: 10
          backoff: {duration: 10s, factor: 2, maxDuration: 5m}
        managedNamespaceMetadata:
          labels:
            pod-security.kubernetes.io/enforce: restricted
            pod-security.kubernetes.io/warn: restricted
      {{- /* Certificates that a chart or its program regenerates: they would always differ, and a wave would never finish. */}}
      ignoreDifferences:
        - group: admissionregistration.k8s.io
          kind: ValidatingWebhookConfiguration
          jqPathExpressions: ['.webhooks[]?.clientConfig.caBundle']
        - group: admissionregistration.k8s.io
          kind: MutatingWebhookConfiguration
          jqPathExpressions: ['.webhooks[]?.clientConfig.caBundle']
        - group: apiregistration.k8s.io
          kind: APIService
          jsonPointers: [/spec/caBundle]
        {{- range $values.generatedSecrets }}
        - kind: Secret
          name: {{ . }}
          jsonPointers: [/data]
        {{- end }}
  templatePatch: |
    {{- range $chart := concat (keys $values.podSecurity) (keys $values.parameters) $values.readinessGates | uniq | sortAlpha }}
    {{ "{{-" }} if eq .path.basename "{{ $chart }}" {{ "}}" }}
    spec:
      {{- $level := get $values.podSecurity $chart }}
      {{- $gated := has $chart $values.readinessGates }}
      {{- if or $level $gated }}
      syncPolicy:
        managedNamespaceMetadata:
          labels:
            {{- with $level }}
            pod-security.kubernetes.io/enforce: {{ . }}
            pod-security.kubernetes.io/warn: {{ . }}
            {{- end }}
            {{- if $gated }}
            elbv2.k8s.aws/pod-readiness-gate-inject: enabled
            {{- end }}
      {{- end }}
      {{- with get $values.parameters $chart }}
      source:
        helm:
          parameters:
            {{- range . }}
            - name: {{ .name | quote }}
              value: '{{ if .annotation }}{{ include "gitops.annotation" (dict "key" .annotation "station" $values.station) }}{{ else if .path }}{{ trimSuffix ".git" $values.repository }}/blob/{{ $values.revision }}/{{ .path }}{{ else }}{{ .value }}{{ end }}'
              forceString: true
            {{- end }}
      {{- end }}
    {{ "{{-" }} end {{ "}}" }}
    {{- end }}
{{- end -}}
