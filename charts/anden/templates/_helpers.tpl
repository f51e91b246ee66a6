{{- /* Image, labels, environment and security context of every pod. Each takes (dict "root" $ "name" "web" …). */ -}}

{{- define "anden.image" -}}
{{ required "global.station.imageRepository is missing" .Values.global.station.imageRepository }}:{{ .Values.image.tag }}{{ with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{- define "anden.labels" -}}
app.kubernetes.io/name: anden
app.kubernetes.io/component: {{ .name }}
app.kubernetes.io/part-of: {{ .root.Values.global.station.name }}
{{- end }}

{{- define "anden.selector" -}}
app.kubernetes.io/name: anden
app.kubernetes.io/component: {{ .name }}
{{- end }}

{{- define "anden.databaseHost" -}}
{{- $station := .Values.global.station }}
{{- if eq $station.postgresMode "rds" -}}
{{ required "global.station.postgresAddress is missing, and postgresMode is rds" $station.postgresAddress }}
{{- else -}}
{{ get .Values.postgres.clusterHosts $station.postgresMode }}
{{- end }}
{{- end }}

{{- define "anden.resources" -}}
requests: {cpu: {{ .cpu | quote }}, memory: {{ .memory | quote }}}
limits: {cpu: {{ .cpuLimit | quote }}, memory: {{ .memory | quote }}}
{{- end }}

{{- define "anden.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "anden.mounts" -}}
- {name: tmp, mountPath: /tmp}
- {name: state, mountPath: /var/lib/anden}
{{- end }}

{{- /* The kubelet assembles each database URL from the role's secret, so it is stored nowhere.
The administrator connects to `postgres`, because the application's database may not exist yet. */ -}}
{{- define "anden.databases" -}}
{{- $root := .root }}
{{- range .databases }}
- name: DB_{{ upper . }}_USERNAME
  valueFrom: {secretKeyRef: {name: anden-postgres-{{ . }}, key: username}}
- name: DB_{{ upper . }}_PASSWORD
  valueFrom: {secretKeyRef: {name: anden-postgres-{{ . }}, key: password}}
- name: ANDEN_DATABASE_{{ upper . }}_URL
  value: postgresql://$(DB_{{ upper . }}_USERNAME):$(DB_{{ upper . }}_PASSWORD)@{{ include "anden.databaseHost" $root }}:5432/{{ ternary "postgres" $root.Values.postgres.database (eq . "admin") }}?sslmode={{ $root.Values.postgres.sslMode }}
{{- end }}
{{- end }}

{{- define "anden.env" -}}
{{- $station := .root.Values.global.station }}
- name: ANDEN_SECRET_KEY
  valueFrom: {secretKeyRef: {name: anden-django, key: secret-key}}
{{- if .root.Values.secrets.previousKey }}
- name: ANDEN_SECRET_KEY_FALLBACKS
  valueFrom: {secretKeyRef: {name: anden-django, key: previous-key}}
{{- end }}
- {name: ANDEN_LOG_LEVEL, value: {{ .root.Values.logLevel | quote }}}
{{- with .root.Values.classification.public }}
- {name: ANDEN_DATASETS_PUBLIC_CLASSIFICATIONS, value: {{ join "," . | quote }}}
{{- end }}
{{- with .root.Values.classification.hiddenTags }}
- {name: ANDEN_DATASETS_HIDDEN_TAGS, value: {{ join "," . | quote }}}
{{- end }}
- {name: ANDEN_MONITORING_METRICS_FOLDER, value: /var/lib/anden/metrics}
{{- include "anden.databases" . }}
{{- if .kafka }}
- {name: ANDEN_KAFKA_BOOTSTRAP_SERVERS, value: {{ required "global.station.kafkaBrokers is missing" $station.kafkaBrokers | quote }}}
- {name: ANDEN_KAFKA_SECURITY_PROTOCOL, value: SASL_SSL}
- {name: ANDEN_KAFKA_SASL_MECHANISM, value: AWS_MSK_IAM}
- {name: ANDEN_KAFKA_AWS_REGION, value: {{ $station.region | quote }}}
{{- end }}
{{- if .celery }}
- {name: ANDEN_CELERY_BROKER_URL, value: "sqs://"}
- {name: ANDEN_CELERY_QUEUE_URL, value: {{ required "global.station.celeryQueueUrl is missing" $station.celeryQueueUrl | quote }}}
{{- end }}
{{- if and .grafana .root.Values.grafana.enabled }}
- {name: ANDEN_GRAFANA_URL, value: {{ .root.Values.grafana.url | quote }}}
- name: ANDEN_GRAFANA_TOKEN
  valueFrom: {secretKeyRef: {name: anden-grafana, key: token, optional: {{ eq .name "worker" }}}}
- {name: ANDEN_GRAFANA_REVISION, value: {{ .root.Values.image.tag | quote }}}
- {name: ANDEN_GRAFANA_PROMETHEUS_URL, value: {{ .root.Values.prometheus.url | quote }}}
- {name: ANDEN_GRAFANA_ALERTMANAGER_URL, value: {{ .root.Values.grafana.alertmanagerUrl | quote }}}
{{- with .root.Values.grafana.runbooksUrl }}
- {name: ANDEN_GRAFANA_RUNBOOKS_URL, value: {{ . | quote }}}
{{- end }}
{{- end }}
{{- range $name, $value := .extra }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- end }}

{{- define "anden.podBase" -}}
serviceAccountName: {{ .account | default "anden" }}
# Pod Identity mounts its own token, and no pod calls the cluster's API.
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "anden.volumes" -}}
- {name: tmp, emptyDir: {sizeLimit: 256Mi}}
- {name: state, emptyDir: {sizeLimit: 256Mi}}
{{- end }}

{{- /* The probe's arguments, and its key, which no other pod has. */ -}}
{{- define "anden.probeArgs" -}}
{{- $v := .Values }}
{{- list "manage" "probe" "run" "--url" (printf "https://api.%s" $v.global.station.domain) "--key-file" "/run/anden/probe/key" "--other-dataset" $v.probe.dataset | toJson }}
{{- end }}

{{- define "anden.keyMount" -}}
{{- if eq .name "probe" }}
- {name: key, mountPath: /run/anden/probe, readOnly: true}
{{- end }}
{{- end }}

{{- define "anden.keyVolume" -}}
{{- if eq .name "probe" }}
- {name: key, secret: {secretName: anden-probe, defaultMode: 0440}}
{{- end }}
{{- end }}
