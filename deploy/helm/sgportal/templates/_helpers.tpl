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
{{- /* A number of a file is a float, which as text would be 1e+06. */}}
{{- range $name, $value := .Values.settings -}}
{{ $whole := and (kindIs "float64" $value) (eq (floor $value) $value) -}}
{{ $_ := set $own $name ($whole | ternary (printf "%.0f" (float64 $value)) (toString $value)) }}
{{- end -}}
{{- toYaml $own -}}
{{- end }}

{{/* What the chart's own Secret has of the values: with another URL the pods begin anew, as with another setting. */}}
{{- define "sgportal.checksum" -}}
{{- $told := include "sgportal.settings" . -}}
{{- if or .Values.secret.databaseUrl .Values.secret.brokerUrl -}}
{{- $told = printf "%s\n%s\n%s" $told .Values.secret.databaseUrl .Values.secret.brokerUrl -}}
{{- end -}}
{{- sha256sum $told -}}
{{- end }}

{{/* The TCP ports that pods of the portal go to: those of the value, and those of addresses that other values name. */}}
{{- define "sgportal.ports" -}}
{{- $ports := list -}}
{{- range .Values.networkPolicy.egressPorts }}{{ $ports = append $ports (int .) }}{{ end -}}
{{- $named := list .Values.tracing.endpoint .Values.secret.databaseUrl .Values.secret.brokerUrl -}}
{{- range list "SGPORTAL_CACHE_URL" "SGPORTAL_GATE_HOSTS" "SGPORTAL_OIDC_ISSUER" "SGPORTAL_PROMETHEUS_URL" -}}
{{ $named = append $named (get $.Values.settings . | toString) }}
{{- end -}}
{{- $named = join "," $named -}}
{{- range regexFindAll ":[0-9]+([/?,]|$)" $named -1 }}{{ $ports = append $ports (regexFind "[0-9]+" . | int) }}{{ end -}}
{{- if regexMatch "(^|,)http://[^/:,]+(/|,|$)" $named }}{{ $ports = append $ports 80 }}{{ end -}}
{{- uniq $ports | toJson -}}
{{- end }}

{{/* Values that would be taken and do nothing. */}}
{{- define "sgportal.check" -}}
{{- $secret := .Values.secret -}}
{{- if and $secret.existing (or $secret.databaseUrl $secret.brokerUrl) -}}
{{- fail "secret.existing names the Secret with the URLs; secret.databaseUrl and secret.brokerUrl are for the one that the chart makes" -}}
{{- end -}}
{{- if and (eq .Values.database.kind "sqlite") (or .Values.postgresql.enabled $secret.databaseUrl) -}}
{{- fail "postgresql.enabled and secret.databaseUrl need database.kind postgresql" -}}
{{- end -}}
{{- if and .Values.postgresql.enabled $secret.databaseUrl -}}
{{- fail "postgresql.enabled and secret.databaseUrl are two databases; name one" -}}
{{- end -}}
{{- if and .Values.redis.enabled $secret.brokerUrl -}}
{{- fail "redis.enabled and secret.brokerUrl are two queues; name one" -}}
{{- end -}}
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
