{{- /* The spec of a job: one container, retried a few times, and deleted after a day. */ -}}
{{- define "anden.jobSpec" -}}
backoffLimit: {{ .tries | default 6 }}
activeDeadlineSeconds: {{ .deadline | default 900 }}
ttlSecondsAfterFinished: 86400
template:
  metadata:
    labels: {{- include "anden.labels" . | nindent 6 }}
  spec:
    restartPolicy: Never
    {{- include "anden.podBase" . | nindent 4 }}
    terminationGracePeriodSeconds: 30
    containers:
      - name: {{ .name }}
        image: {{ include "anden.image" .root }}
        imagePullPolicy: IfNotPresent
        args: {{ .args | toJson }}
        env: {{- include "anden.env" . | trim | nindent 10 }}
        resources: {{- include "anden.resources" .root.Values.jobs.resources | nindent 10 }}
        securityContext: {{- include "anden.containerSecurityContext" . | nindent 10 }}
        volumeMounts: {{- include "anden.mounts" . | nindent 10 }}
          {{- include "anden.keyMount" . | nindent 10 }}
    volumes: {{- include "anden.volumes" . | nindent 6 }}
      {{- include "anden.keyVolume" . | nindent 6 }}
{{- end }}

{{- define "anden.hook" -}}
apiVersion: batch/v1
kind: Job
metadata:
  name: anden-{{ .name }}
  labels: {{- include "anden.labels" . | nindent 4 }}
  annotations:
    argocd.argoproj.io/hook: {{ .hook | default "Sync" }}
    argocd.argoproj.io/hook-delete-policy: BeforeHookCreation
    argocd.argoproj.io/sync-wave: {{ .wave | default 0 | quote }}
spec: {{- include "anden.jobSpec" . | nindent 2 }}
{{- end }}

{{- define "anden.cron" -}}
apiVersion: batch/v1
kind: CronJob
metadata:
  name: anden-{{ .name }}
  labels: {{- include "anden.labels" . | nindent 4 }}
  {{- with .wave }}
  annotations: {argocd.argoproj.io/sync-wave: {{ . | quote }}}
  {{- end }}
spec:
  schedule: {{ .schedule | quote }}
  timeZone: Etc/UTC
  concurrencyPolicy: Forbid
  startingDeadlineSeconds: 300
  successfulJobsHistoryLimit: 1
  failedJobsHistoryLimit: 3
  jobTemplate:
    spec: {{- include "anden.jobSpec" . | nindent 6 }}
{{- end }}
