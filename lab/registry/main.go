// SPDX-FileCopyrightText: 2026 gitops.fleet contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// Command registry is an OCI registry in memory, on loopback, for tests. It prints its address and serves until its
// input ends. With REGISTRY_USER and REGISTRY_PASSWORD it asks for them.
package main

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	handler := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	if user := os.Getenv("REGISTRY_USER"); user != "" {
		handler = withLogin(handler, user, os.Getenv("REGISTRY_PASSWORD"))
	}
	fmt.Println(listener.Addr())
	go func() {
		log.Fatal(http.Serve(listener, handler))
	}()
	// Whoever started it holds the other end: it cannot outlive a test that is killed.
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// withLogin asks every request for basic authentication, as the distribution registry with htpasswd does.
func withLogin(next http.Handler, user, password string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		givenUser, givenPassword, _ := r.BasicAuth()
		good := subtle.ConstantTimeCompare([]byte(givenUser), []byte(user)) &
			subtle.ConstantTimeCompare([]byte(givenPassword), []byte(password))
		if good != 1 {
			w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`)
			return
		}
		next.ServeHTTP(w, r)
	})
}
