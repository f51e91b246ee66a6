{{- define "secrets.labels" -}}
app.kubernetes.io/name: secrets
app.kubernetes.io/part-of: {{ .Values.global.station.name }}
{{- end }}

{{- define "secrets.image" -}}
{{ required "global.station.imageRepository is missing" .Values.global.station.imageRepository }}:{{ .Values.image.tag }}{{ with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{- /* Arguments that select secrets: database roles and keys. */ -}}
{{- define "secrets.chosen" -}}
{{- $words := list }}
{{- range .roles }}{{ $words = concat $words (list "--role" .) }}{{ end }}
{{- range .keys }}{{ $words = concat $words (list "--key" .) }}{{ end }}
{{- $words | toJson }}
{{- end }}

{{- /* One container, retried a few times. Takes (dict "root" $ "name" "ensure" "args" (list …)). */ -}}
{{- define "secrets.jobSpec" -}}
{{- $v := .root.Values }}
backoffLimit: 6
activeDeadlineSeconds: 300
template:
  metadata:
    labels: {{- include "secrets.labels" .root | nindent 6 }}
  spec:
    restartPolicy: Never
    serviceAccountName: secrets
    # Pod Identity mounts its own token, and no pod calls the cluster's API.
    automountServiceAccountToken: false
    enableServiceLinks: false
    terminationGracePeriodSeconds: 30
    securityContext:
      runAsNonRoot: true
      runAsUser: 10001
      runAsGroup: 10001
      fsGroup: 10001
      seccompProfile: {type: RuntimeDefault}
    containers:
      - name: {{ .name }}
        image: {{ include "secrets.image" .root }}
        imagePullPolicy: IfNotPresent
        args: {{ .args | toJson }}
        env:
          - {name: AWS_DEFAULT_REGION, value: {{ required "global.station.region is missing" $v.global.station.region | quote }}}
          {{- if eq .name "rotate" }}
          # The job's name identifies the rotation: a restarted pod repeats it and changes nothing twice.
          - name: JOB
            valueFrom: {fieldRef: {fieldPath: "metadata.labels['batch.kubernetes.io/job-name']"}}
          {{- end }}
        resources:
          requests: {cpu: {{ $v.resources.cpu | quote }}, memory: {{ $v.resources.memory | quote }}}
          limits: {cpu: {{ $v.resources.cpuLimit | quote }}, memory: {{ $v.resources.memory | quote }}}
        securityContext:
          allowPrivilegeEscalation: false
          readOnlyRootFilesystem: true
          capabilities: {drop: [ALL]}
        volumeMounts:
          - {name: tmp, mountPath: /tmp}
          - {name: state, mountPath: /var/lib/anden}
    volumes:
      - {name: tmp, emptyDir: {sizeLimit: 64Mi}}
      - {name: state, emptyDir: {sizeLimit: 64Mi}}
{{- end }}
