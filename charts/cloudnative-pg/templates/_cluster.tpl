{{- /* Common to the database and its restored copy. */}}
{{- define "database.spec" -}}
instances: {{ .instances }}
imageName: {{ .image }}
primaryUpdateStrategy: unsupervised
enablePDB: true
storage: {storageClass: gp3, size: {{ .storage }}}
walStorage: {storageClass: gp3, size: {{ .walStorage }}}
resources:
  {{- toYaml .resources | nindent 2 }}
affinity:
  enablePodAntiAffinity: true
  podAntiAffinityType: required
  topologyKey: kubernetes.io/hostname
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: topology.kubernetes.io/zone
    whenUnsatisfiable: DoNotSchedule
    labelSelector:
      matchLabels: {cnpg.io/cluster: {{ .name }}}
{{- if gt (int .instances) 2 }}
minSyncReplicas: 1
maxSyncReplicas: 1
{{- end }}
postgresql:
  parameters:
    log_min_duration_statement: "1000"
    log_lock_waits: "on"
    idle_in_transaction_session_timeout: "300000"
    # An ingest worker's transaction writes up to 200 datasets, each with its partition and indexes.
    max_locks_per_transaction: "256"
    # With this, the operator loads the extension and creates it in each database.
    pg_stat_statements.track: top
  pg_hba:
    # TLS only.
    - hostnossl all all all reject
{{- end -}}
