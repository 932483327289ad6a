{{/*
SPDX-FileCopyrightText: 2026 gitops.fleet contributors
SPDX-License-Identifier: GPL-3.0-or-later
*/}}
{{- define "controller" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .name }}
spec:
  replicas: 1
  selector:
    matchLabels:
      app: {{ .name }}
  template:
    metadata:
      labels:
        app: {{ .name }}
    spec:
      serviceAccountName: {{ .name }}
      containers:
        - name: {{ .name }}
          image: {{ .values.image.repository }}:{{ .values.image.tag }}
          {{- if .values.debug }}
          args: [--debug, --debug-level, {{ .values.debugLevel | quote }}]
          {{- end }}
          {{- if .values.proxy }}
          env:
            - name: HTTP_PROXY
              value: {{ .values.proxy | quote }}
            - name: HTTPS_PROXY
              value: {{ .values.proxy | quote }}
            - name: NO_PROXY
              value: {{ .values.noProxy | quote }}
          {{- end }}
      nodeSelector:
        kubernetes.io/os: linux
{{- end -}}
