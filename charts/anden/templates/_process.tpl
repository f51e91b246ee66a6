{{- /* A Deployment of one process without a web server, with a sidecar that serves its metrics. It becomes ready once it has
recorded its first metric, so that a release that cannot work replaces nothing. It has no liveness probe: the kubelet
restarts a process that exits, and alerts report one that hangs, because a restart fixes neither a broker nor a database.
Beat records no metric; the worker's heartbeat covers it. */ -}}
{{- define "anden.process" -}}
{{- $labels := include "anden.selector" . }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: anden-{{ .name }}
  labels: {{- include "anden.labels" . | nindent 4 }}
  {{- with .wave }}
  annotations: {argocd.argoproj.io/sync-wave: {{ . | quote }}}
  {{- end }}
spec:
  {{- with .replicas }}
  replicas: {{ . }}
  {{- end }}
  revisionHistoryLimit: 3
  strategy: {type: {{ .strategy | default "RollingUpdate" }}}
  selector:
    matchLabels: {{- $labels | nindent 6 }}
  template:
    metadata:
      labels: {{- include "anden.labels" . | nindent 8 }}
        anden/metrics: "true"
    spec:
      {{- include "anden.podBase" . | nindent 6 }}
      terminationGracePeriodSeconds: {{ .grace | default 30 }}
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: topology.kubernetes.io/zone
          whenUnsatisfiable: {{ .root.Values.zoneSpread }}
          labelSelector:
            matchLabels: {{- $labels | nindent 14 }}
      containers:
        - name: {{ .name }}
          image: {{ include "anden.image" .root }}
          imagePullPolicy: IfNotPresent
          args: {{ .args | toJson }}
          env: {{- include "anden.env" . | trim | nindent 12 }}
          resources: {{- include "anden.resources" .resources | nindent 12 }}
          securityContext: {{- include "anden.containerSecurityContext" . | nindent 12 }}
          {{- with .readyMetric }}
          readinessProbe:
            exec: {command: [sh, -c, "grep -qs {{ . }} /var/lib/anden/metrics/*.db"]}
            periodSeconds: 10
          {{- end }}
          volumeMounts: {{- include "anden.mounts" . | nindent 12 }}
            {{- include "anden.keyMount" . | nindent 12 }}
        - name: metrics
          image: {{ include "anden.image" .root }}
          imagePullPolicy: IfNotPresent
          args: [manage, metrics, serve, --address, 0.0.0.0, --port, "9464"]
          env: {{- include "anden.env" (dict "root" .root "name" .name "databases" (list "app")) | trim | nindent 12 }}
          ports: [{name: metrics, containerPort: 9464}]
          resources: {requests: {cpu: 10m, memory: 192Mi}, limits: {cpu: 500m, memory: 192Mi}}
          securityContext: {{- include "anden.containerSecurityContext" . | nindent 12 }}
          startupProbe:
            httpGet: {path: /metrics, port: metrics}
            periodSeconds: 5
            failureThreshold: 36
          readinessProbe:
            httpGet: {path: /metrics, port: metrics}
            periodSeconds: 30
            timeoutSeconds: 5
          livenessProbe:
            httpGet: {path: /metrics, port: metrics}
            periodSeconds: 60
            timeoutSeconds: 10
          volumeMounts: {{- include "anden.mounts" . | nindent 12 }}
      volumes: {{- include "anden.volumes" . | nindent 8 }}
        {{- include "anden.keyVolume" . | nindent 8 }}
{{- end }}
