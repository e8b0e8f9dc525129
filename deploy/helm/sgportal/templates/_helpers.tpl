{{- define "sgportal.labels" -}}
app.kubernetes.io/name: sgportal
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}

{{- define "sgportal.selector" -}}
app.kubernetes.io/name: sgportal
app.kubernetes.io/component: {{ . }}
{{- end }}

{{- define "sgportal.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- define "sgportal.secret" -}}
{{ .Values.secret.existing | default "sgportal" }}
{{- end }}

{{- define "sgportal.settings" -}}
{{- $own := dict
  "SGPORTAL_CLUSTER" "in-cluster"
  "SGPORTAL_NAMESPACE" .Release.Namespace
  "SGPORTAL_INSTALL_CRDS" (eq .Values.definitions "portal" | ternary "1" "0")
  "SGPORTAL_METRICS_OPEN" (.Values.metrics.open | ternary "1" "0")
  "SGPORTAL_METRICS_SERVER" (.Values.usage | ternary "1" "0")
  "SGPORTAL_POD_LOGS" .Values.podLogs
  "SGPORTAL_EXEC" .Values.exec
  "SGPORTAL_TLS" (.Values.tls | ternary "1" "0")
  "SGPORTAL_TRUSTED_PROXIES" (join "," .Values.trustedProxies)
  "ALLOWED_HOSTS" (join "," (append .Values.hosts "localhost"))
-}}
{{- $origins := list -}}
{{- if .Values.tls -}}
{{- range .Values.hosts }}{{ $origins = append $origins (printf "https://%s" .) }}{{ end -}}
{{- end -}}
{{- $_ := set $own "CSRF_TRUSTED_ORIGINS" (join "," $origins) -}}
{{- if .Values.impersonation }}{{ $_ = set $own "SGPORTAL_IMPERSONATE" "1" }}{{ end -}}
{{- with .Values.clusterName }}{{ $_ = set $own "SGPORTAL_CLUSTER_NAME" . }}{{ end -}}
{{- if ne .Values.logs.format "text" }}{{ $_ = set $own "LOG_FORMAT" .Values.logs.format }}{{ end -}}
{{- if ne .Values.logs.level "INFO" }}{{ $_ = set $own "LOG_LEVEL" .Values.logs.level }}{{ end -}}
{{- with .Values.tracing.endpoint -}}
{{ $_ = set $own "OTEL_EXPORTER_OTLP_ENDPOINT" . }}
{{- $_ = set $own "OTEL_TRACES_SAMPLER" "parentbased_traceidratio" -}}
{{- $_ = set $own "OTEL_TRACES_SAMPLER_ARG" (toString $.Values.tracing.ratio) -}}
{{- end -}}
{{- range $name, $value := .Values.settings }}{{ $_ := set $own $name (toString $value) }}{{ end -}}
{{- toYaml $own -}}
{{- end }}

{{- define "sgportal.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "sgportal.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "sgportal.placement" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}
