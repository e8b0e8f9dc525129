{{/* What the processes of the portal are told beside the ConfigMap. */}}
{{- define "sgportal.env" -}}
{{- $secret := include "sgportal.secret" . -}}
- name: SECRET_KEY
  valueFrom: {secretKeyRef: {name: {{ $secret }}, key: SECRET_KEY}}
- name: SECRET_KEY_FALLBACKS
  valueFrom: {secretKeyRef: {name: {{ $secret }}, key: SECRET_KEY_FALLBACKS, optional: true}}
{{- if .Values.settings.SGPORTAL_OIDC_ISSUER }}
- name: SGPORTAL_OIDC_CLIENT_SECRET
  valueFrom: {secretKeyRef: {name: {{ $secret }}, key: SGPORTAL_OIDC_CLIENT_SECRET, optional: true}}
{{- end }}
{{- if eq .Values.database.kind "sqlite" }}
- name: DATABASE_URL
  value: sqlite:////var/lib/sgportal/portal.sqlite3
{{- else if .Values.postgresql.enabled }}
- name: PGPASSWORD # beside the URL, in which it would have to be quoted
  valueFrom: {secretKeyRef: {name: {{ $secret }}, key: POSTGRES_PASSWORD}}
- name: DATABASE_URL
  value: postgresql://portal@sgportal-postgresql:5432/portal
{{- else }}
- name: DATABASE_URL
  valueFrom: {secretKeyRef: {name: {{ $secret }}, key: DATABASE_URL}}
{{- end }}
{{- if .Values.trust.configMap }}
- name: SSL_CERT_FILE
  value: /etc/sgportal/trust/ca.crt
- name: REQUESTS_CA_BUNDLE
  value: /etc/sgportal/trust/ca.crt
{{- end }}
- name: SGPORTAL_CACHE_URL
  valueFrom: {secretKeyRef: {name: {{ $secret }}, key: SGPORTAL_CACHE_URL, optional: true}}
{{- if .Values.redis.enabled }}
- name: REDIS_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ $secret }}, key: REDIS_PASSWORD}}
- name: CELERY_BROKER_URL
  value: redis://:$(REDIS_PASSWORD)@sgportal-redis:6379/0
{{- else }}
- name: CELERY_BROKER_URL
  valueFrom: {secretKeyRef: {name: {{ $secret }}, key: CELERY_BROKER_URL, optional: true}}
{{- end }}
{{- end }}

{{- define "sgportal.mounts" -}}
- {name: tmp, mountPath: /tmp}
{{- if .Values.trust.configMap }}
- {name: trust, mountPath: /etc/sgportal/trust, readOnly: true}
{{- end }}
{{- if eq .Values.database.kind "sqlite" }}
- {name: data, mountPath: /var/lib/sgportal}
{{- end }}
{{- end }}

{{/* Migrations run before every process, one pod at a time; where there is nothing to do that takes a moment. */}}
{{- define "sgportal.migrate" -}}
- name: migrate
  image: {{ include "sgportal.image" . }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  command: [python, manage.py, migrateonce]
  envFrom:
    - configMapRef: {name: sgportal}
  env:
    {{- include "sgportal.env" . | nindent 4 }}
    - name: SGPORTAL_STATEMENT_SECONDS # to change a large table takes as long as it takes
      value: "0"
  resources:
    requests: {cpu: 100m, memory: 128Mi}
    limits: {memory: 512Mi}
  securityContext: {{- include "sgportal.containerSecurity" . | nindent 4 }}
  volumeMounts: {{- include "sgportal.mounts" . | nindent 4 }}
{{- end }}

{{/* One process: (root, name). */}}
{{- define "sgportal.container" -}}
{{- $root := .root -}}
- name: {{ .name }}
  image: {{ include "sgportal.image" $root }}
  imagePullPolicy: {{ $root.Values.image.pullPolicy }}
  {{- if eq .name "web" }}
  command: [uvicorn, "sgportal.asgi:application", --lifespan, "off", --no-access-log, --no-proxy-headers, --timeout-graceful-shutdown, "5"]
  ports:
    - {name: http, containerPort: 8000}
  startupProbe: # five minutes, for a node that is busy
    httpGet: {path: /healthz, port: http}
    periodSeconds: 2
    timeoutSeconds: 10
    failureThreshold: 150
  livenessProbe:
    httpGet: {path: /healthz, port: http}
    periodSeconds: 20
    timeoutSeconds: 10
  readinessProbe: # a page can be served; a worker that is missing is no reason to serve none
    httpGet: {path: "/readyz?exclude=workers", port: http}
    periodSeconds: 10
    timeoutSeconds: 10
  lifecycle: # until no Service sends anybody here
    preStop:
      exec:
        command: [sleep, "5"]
  {{- else }}
  command: [python, manage.py, {{ .name }}]
  {{- $health := list "python" "manage.py" "health" .name "--unless-database-is-away" }}
  startupProbe:
    exec: {command: {{ toJson $health }}}
    periodSeconds: 10
    timeoutSeconds: 60 # each begins a Python, which on a busy node takes its time
    failureThreshold: 30
  livenessProbe: # one that hangs is begun anew; one that waits for its database is not
    exec: {command: {{ toJson $health }}}
    periodSeconds: 60
    timeoutSeconds: 60
  {{- end }}
  envFrom:
    - configMapRef: {name: sgportal}
  env: {{- include "sgportal.env" $root | nindent 4 }}
  resources: {{- toYaml (get $root.Values .name).resources | nindent 4 }}
  securityContext: {{- include "sgportal.containerSecurity" $root | nindent 4 }}
  volumeMounts: {{- include "sgportal.mounts" $root | nindent 4 }}
{{- end }}

{{/* The pod of some processes: (root, names, component). */}}
{{- define "sgportal.pod" -}}
{{- $root := .root -}}
metadata:
  labels:
    {{- include "sgportal.selector" .component | nindent 4 }}
  annotations:
    checksum/settings: {{ include "sgportal.checksum" $root }}
spec:
  serviceAccountName: sgportal
  enableServiceLinks: false
  terminationGracePeriodSeconds: 45
  securityContext: {{- include "sgportal.podSecurity" 10001 | nindent 4 }}
  initContainers: {{- include "sgportal.migrate" $root | nindent 4 }}
  containers:
    {{- range .names }}
    {{- include "sgportal.container" (dict "root" $root "name" .) | nindent 4 }}
    {{- end }}
  volumes:
    - name: tmp
      emptyDir: {sizeLimit: 256Mi}
    {{- with $root.Values.trust }}
    {{- if .configMap }}
    - name: trust # the whole folder, so that a renewed bundle arrives in running pods
      configMap:
        name: {{ .configMap }}
        items: [{key: {{ .key | quote }}, path: ca.crt}]
    {{- end }}
    {{- end }}
    {{- if eq $root.Values.database.kind "sqlite" }}
    - name: data
      persistentVolumeClaim:
        claimName: {{ $root.Values.database.storage.existingClaim | default "sgportal" }}
    {{- end }}
  {{- if gt (int .replicas) 1 }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: {{ $root.Values.spread }}
      labelSelector:
        matchLabels: {{- include "sgportal.selector" .component | nindent 10 }}
      matchLabelKeys: [pod-template-hash]
    - maxSkew: 1
      topologyKey: topology.kubernetes.io/zone
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels: {{- include "sgportal.selector" .component | nindent 10 }}
      matchLabelKeys: [pod-template-hash]
  {{- end }}
  {{- include "sgportal.placement" $root | nindent 2 }}
{{- end }}
